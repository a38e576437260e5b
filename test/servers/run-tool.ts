import { execFile } from 'node:child_process';

/** Runs a program to its end; rejects with the last lines that it wrote, on either stream, when it fails. */
export function runTool(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = { cwd: options.cwd, env: { ...process.env, ...options.env }, maxBuffer: 64 * 1024 * 1024 };
    execFile(command, args, settings, (error, stdout, stderr) => {
      if (!error) return resolve(stdout + stderr);
      const said = `${stdout}\n${stderr}`.trim().split('\n').slice(-12).join('\n  ');
      reject(new Error(`${command} ${args.join(' ')} failed (${error.code ?? error.signal}):\n  ${said}`));
    });
  });
}
