import { connect } from 'node:net';

/** Why nothing takes a connection there; null when something does. */
export function findBarrier(host: string, port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    const end = (barrier: string | null) => {
      socket.destroy();
      resolve(barrier);
    };
    socket
      .once('connect', () => end(null))
      .once('timeout', () => end(`no answer within ${timeoutMs / 1000} s`))
      .once('error', (error: NodeJS.ErrnoException) => end(toSentence(error)));
  });
}

function toSentence({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'nothing listens there';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'the name is not known here';
    default:
      return message || String(code);
  }
}
