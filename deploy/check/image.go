package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// image is what a stage leaves behind: a folder and the configuration that a container starts with.
type image struct {
	root       string
	workdir    string
	user       string
	env        []string
	entrypoint []string
	cmd        []string
	health     []string
	stopSignal string
	volumes    []string
}

// builder executes the stages of a Dockerfile in folders. The base image is this machine's /usr with the project's own
// Node in /usr/local: enough for the glibc, the shell and the npm that the stages use.
type builder struct {
	context  string // root of the build context
	cache    string
	ignore   *patternmatcher.PatternMatcher
	stages   []instructions.Stage
	built    map[string]image
	toolbox  string // becomes /usr/local
	verbose  io.Writer
	baseline string // hash of what every stage depends on
}

func newBuilder(file, context, cache string) (*builder, error) {
	stages, arguments, err := parseStages(file)
	if err != nil {
		return nil, err
	}
	ignored, err := os.Open(filepath.Join(context, ".dockerignore"))
	if err != nil {
		return nil, err
	}
	defer ignored.Close()
	patterns, err := ignorefile.ReadAll(ignored)
	if err != nil {
		return nil, err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, err
	}
	b := &builder{context: context, cache: cache, ignore: matcher, stages: stages, built: map[string]image{}, verbose: os.Stderr}
	b.toolbox, b.baseline, err = makeToolbox(context, cache, arguments["NODE_IMAGE"])
	return b, err
}

// makeToolbox lays out /usr/local as the official Node image has it, from the project's own Node and this machine's npm.
func makeToolbox(context, cache, nodeImage string) (string, string, error) {
	node, err := filepath.EvalSymlinks(filepath.Join(context, "node_modules", ".bin", "node"))
	if err != nil {
		return "", "", fmt.Errorf("expected the project's own Node, run npm ci first: %w", err)
	}
	version, err := exec.Command(node, "--version").Output()
	if err != nil {
		return "", "", err
	}
	if want := "node:" + strings.TrimPrefix(strings.TrimSpace(string(version)), "v") + "-"; !strings.HasPrefix(nodeImage, want) {
		return "", "", fmt.Errorf("NODE_IMAGE: expected %s..., the Node that package.json pins and the tests ran on, got %q", want, nodeImage)
	}
	npm, err := exec.Command("npm", "root", "--global").Output()
	if err != nil {
		return "", "", fmt.Errorf("npm root --global: %w", err)
	}
	toolbox := filepath.Join(cache, "toolbox")
	script := `set -e; rm -rf "$1"; mkdir -p "$1/bin" "$1/lib/node_modules"; cp "$2" "$1/bin/node"; cp -r "$3/npm" "$1/lib/node_modules/npm"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$1/bin/npm"; chmod -R go+rX "$1"`
	if out, err := exec.Command("sh", "-c", script, "sh", toolbox, node, strings.TrimSpace(string(npm))).CombinedOutput(); err != nil {
		return "", "", fmt.Errorf("%w: %s", err, out)
	}
	return toolbox, string(version), nil
}

// build executes a stage, by name or, for "", the last one.
func (b *builder) build(name string) (image, error) {
	position := len(b.stages) - 1
	if name != "" {
		found, ok := instructions.HasStage(b.stages, name)
		if !ok {
			return image{}, fmt.Errorf("stage %s: expected one of that name", name)
		}
		position = found
	}
	stage := b.stages[position]
	if done, ok := b.built[stage.Name]; ok {
		return done, nil
	}
	result := image{workdir: "/", user: "0:0", env: []string{"PATH=" + basePath}}
	base := ""
	if _, ok := instructions.HasStage(b.stages[:position], stage.BaseName); ok {
		parent, err := b.build(stage.BaseName)
		if err != nil {
			return image{}, err
		}
		result, base = parent, parent.root
	}
	result.root = filepath.Join(b.cache, "stages", stage.Name, "root")
	key, err := b.key(stage, base)
	if err != nil {
		return image{}, err
	}
	keyFile := filepath.Join(b.cache, "stages", stage.Name, "key")
	kept, _ := os.ReadFile(keyFile)
	fresh := string(kept) != key
	if fresh {
		os.Remove(keyFile)
		if err := b.layOut(result.root, base); err != nil {
			return image{}, err
		}
	}
	for _, command := range stage.Commands {
		if err := b.execute(&result, command, fresh); err != nil {
			return image{}, fmt.Errorf("stage %s, line %d: %w", stage.Name, command.Location()[0].Start.Line, err)
		}
	}
	if fresh {
		if err := os.WriteFile(keyFile, []byte(key), 0o644); err != nil {
			return image{}, err
		}
	}
	b.built[stage.Name] = result
	return result, nil
}

// layOut starts a stage: an empty root with the mount points of the base image, or hard links to the parent stage's.
func (b *builder) layOut(root, base string) error {
	script := `set -e; rm -rf "$1"; mkdir -p "$(dirname "$1")"
if [ -n "$2" ]; then cp -al "$2" "$1"; exit; fi
mkdir -p "$1"; cd "$1"; mkdir usr etc proc dev sys root home; mkdir -m 1777 tmp; mkdir -p home/node
for d in bin sbin lib lib64; do if [ -L "/$d" ]; then ln -s "usr/$d" "$d"; elif [ -d "/$d" ]; then mkdir "$d"; fi; done`
	out, err := exec.Command("sh", "-c", script, "sh", root, base).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// execute applies one instruction. What it does not know is an error: silence would prove nothing.
func (b *builder) execute(result *image, command instructions.Command, fresh bool) error {
	switch c := command.(type) {
	case *instructions.EnvCommand:
		for _, pair := range c.Env {
			result.env = append(result.env[:len(result.env):len(result.env)], pair.Key+"="+pair.Value)
		}
	case *instructions.WorkdirCommand:
		result.workdir = c.Path
		return os.MkdirAll(filepath.Join(result.root, c.Path), 0o755)
	case *instructions.UserCommand:
		result.user = c.User
	case *instructions.EntrypointCommand:
		if c.PrependShell {
			return fmt.Errorf("ENTRYPOINT: expected the JSON form, so that signals reach the program")
		}
		result.entrypoint = c.CmdLine
	case *instructions.CmdCommand:
		result.cmd = c.CmdLine
	case *instructions.HealthCheckCommand:
		if len(c.Health.Test) < 2 || c.Health.Test[0] != "CMD" {
			return fmt.Errorf("HEALTHCHECK: expected the JSON form")
		}
		result.health = c.Health.Test[1:]
	case *instructions.StopSignalCommand:
		result.stopSignal = c.Signal
	case *instructions.VolumeCommand:
		result.volumes = c.Volumes
	case *instructions.LabelCommand, *instructions.ArgCommand, *instructions.ExposeCommand:
	case *instructions.CopyCommand:
		if fresh {
			return b.copy(*result, c)
		}
	case *instructions.RunCommand:
		if fresh {
			fmt.Fprintf(b.verbose, "  RUN %s\n", strings.Join(c.CmdLine, " "))
			return b.run(*result, c)
		}
	default:
		return fmt.Errorf("%s: this check does not know how to execute it", command.Name())
	}
	return nil
}

func (b *builder) run(in image, c *instructions.RunCommand) error {
	leave, err := enter(in, b.toolbox, false)
	if err != nil {
		return err
	}
	defer leave()
	argv := c.CmdLine
	if c.PrependShell {
		argv = append([]string{"/bin/sh", "-c"}, argv...)
	}
	command, err := in.command(argv, hostNetworkSettings()...)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		return fmt.Errorf("RUN: %w:\n%s", err, tail(out.String()))
	}
	return nil
}

func must(content []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return content
}

// tail shortens output to what tells: tools name the mistake first or last.
func tail(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) > 30 {
		lines = append(append(lines[:12:12], "..."), lines[len(lines)-16:]...)
	}
	return strings.Join(lines, "\n")
}
