package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// checkImages builds both targets and starts what they are for, as an orchestrator would: read-only root, the image's own
// user, PID 1. Backends that are away must not keep a role from answering its probes.
func checkImages(file, context, cache string) error {
	context, err := filepath.Abs(context)
	if err != nil {
		return err
	}
	b, err := newBuilder(file, context, cache)
	if err != nil {
		return err
	}
	credentials := []string{"WRITE_KEYS=check=wk_check", "READ_TOKENS=check=rt_check"}
	away := append([]string{"KAFKA_BROKERS=127.0.0.1:1", "CLICKHOUSE_URL=http://127.0.0.1:1", "COUCHBASE_URL=couchbase://127.0.0.1:1",
		"MIGRATE_AT_START=false", "SHUTDOWN_SECONDS=10"}, credentials...)
	lean, err := b.build("")
	if err != nil {
		return err
	}
	return firstError(
		func() error {
			return lean.holds([]string{"kafkajs", "couchbase", "@clickhouse/client"}, []string{"chdb", "@chdb", "lmdb", "@lmdb"})
		},
		func() error {
			return lean.loads(b.toolbox, "kafkajs", "couchbase", "@clickhouse/client", "@node-rs/xxhash")
		},
		func() error {
			return lean.explains(b.toolbox, "serve", "gateway", "sink", "migrate", "import", "doctor")
		},
		func() error { return lean.refuses(b.toolbox, lean.cmd, "KAFKA_BROKERS", credentials) },
		func() error { return lean.serves(b.toolbox, []string{"gateway"}, "/healthz", away) },
		func() error { return lean.serves(b.toolbox, []string{"sink"}, "/healthz", away) },
		func() error {
			whole, err := b.build("serve")
			if err != nil {
				return err
			}
			return firstError(
				func() error {
					return whole.holds([]string{"kafkajs", "couchbase", "@clickhouse/client", "chdb", "lmdb"}, nil)
				},
				func() error { return whole.loads(b.toolbox, "chdb", "lmdb") },
				func() error { return whole.serves(b.toolbox, whole.cmd, "/readyz", credentials) },
			)
		},
	)
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

var developmentOnly = []string{"typescript", "jest", "node", "@biomejs", "@graphql-codegen", "autocannon"}

// holds looks at the packages that are there, and that the program's own user can change nothing.
func (in image) holds(wanted, unwanted []string) error {
	for _, name := range wanted {
		if _, err := os.Stat(filepath.Join(in.root, "app/node_modules", name)); err != nil {
			return fmt.Errorf("image %s: expected the package %s in it: %w", in.name(), name, err)
		}
	}
	for _, name := range append(unwanted, developmentOnly...) {
		if _, err := os.Stat(filepath.Join(in.root, "app/node_modules", name)); err == nil {
			return fmt.Errorf("image %s: expected it without the package %s", in.name(), name)
		}
	}
	var size int64
	err := filepath.Walk(filepath.Join(in.root, "app"), func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		if owner := info.Sys().(*syscall.Stat_t); owner.Uid != 0 || info.Mode().Perm()&0o022 != 0 && info.Mode()&os.ModeSymlink == 0 {
			return fmt.Errorf("image %s: expected %s to be root's and writable by nobody else", in.name(), path)
		}
		size += info.Size()
		return nil
	})
	if err == nil {
		fmt.Fprintf(os.Stderr, "  image %s: /app is %d MB\n", in.name(), size/1_000_000)
	}
	return err
}

func (in image) name() string { return filepath.Base(filepath.Dir(in.root)) }

// finish runs a process to its end, or for 30 seconds.
func (in image) finish(toolbox string, argv, environment []string) (string, int, error) {
	leave, err := enter(in, toolbox, true)
	if err != nil {
		return "", 0, err
	}
	defer leave()
	p, err := in.start(argv, environment)
	if err != nil {
		return "", 0, err
	}
	code, err := p.wait(30 * time.Second)
	return p.output.String(), code, err
}

func (in image) loads(toolbox string, packages ...string) error {
	script := "await Promise.all(" + fmt.Sprintf("['%s']", strings.Join(packages, "','")) + ".map((name) => import(name))); process.exit(0)"
	out, code, err := in.finish(toolbox, []string{"node", "--input-type=module", "-e", script}, nil)
	if err != nil || code != 0 {
		return fmt.Errorf("image %s: expected %s to load, exit %d %v:\n%s", in.name(), strings.Join(packages, ", "), code, err, tail(out))
	}
	return nil
}

func (in image) explains(toolbox string, roles ...string) error {
	out, code, err := in.finish(toolbox, append(in.entrypoint, "--help"), nil)
	if err != nil || code != 0 {
		return fmt.Errorf("image %s: expected --help to exit with 0, got %d %v:\n%s", in.name(), code, err, tail(out))
	}
	for _, role := range roles {
		if !strings.Contains(out, role) {
			return fmt.Errorf("image %s: expected --help to name %s, got:\n%s", in.name(), role, tail(out))
		}
	}
	return nil
}

// refuses starts a role without the settings that it needs: it must end by itself, and say which.
func (in image) refuses(toolbox string, role []string, naming string, environment []string) error {
	out, code, err := in.finish(toolbox, append(in.entrypoint, role...), environment)
	if err != nil || code == 0 || !strings.Contains(out, naming) {
		return fmt.Errorf("image %s: expected %s without %s to be refused by name, got exit %d %v:\n%s", in.name(), role[0], naming, code, err, tail(out))
	}
	return nil
}

// serves starts a role, waits for its probe, runs the image's own health check inside, and stops it with the image's signal.
func (in image) serves(toolbox string, role []string, probe string, environment []string) error {
	leave, err := enter(in, toolbox, true)
	if err != nil {
		return err
	}
	defer leave()
	port, err := freePort()
	if err != nil {
		return err
	}
	environment = append(append([]string{}, environment...), fmt.Sprintf("PORT=%d", port))
	p, err := in.start(append(in.entrypoint, role...), environment)
	if err != nil {
		return err
	}
	wrong := func(format string, values ...any) error {
		_ = p.kill()
		return fmt.Errorf("image %s: %s: %s; its output ends:\n%s", in.name(), role[0], fmt.Sprintf(format, values...), tail(p.output.String()))
	}
	started := time.Now()
	for answered := ""; answered != "200"; {
		if p.ended() || time.Since(started) > 40*time.Second {
			return wrong("expected %s to answer 200 within 40 s, got %q", probe, answered)
		}
		time.Sleep(100 * time.Millisecond)
		if response, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, probe)); err == nil {
			answered = fmt.Sprint(response.StatusCode)
			response.Body.Close()
		}
	}
	ready := time.Since(started)
	health, err := in.start(in.health, environment)
	if err != nil {
		return wrong("HEALTHCHECK: %v", err)
	}
	if code, err := health.wait(3 * time.Second); err != nil || code != 0 {
		return wrong("expected HEALTHCHECK to exit with 0, got %d %v %s", code, err, health.output.String())
	}
	if in.stopSignal != "SIGTERM" {
		return wrong("expected STOPSIGNAL SIGTERM, got %q", in.stopSignal)
	}
	stopping := time.Now()
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return wrong("SIGTERM: %v", err)
	}
	if code, err := p.wait(15 * time.Second); err != nil || code != 0 {
		return wrong("expected an orderly stop with exit 0 after SIGTERM as PID 1, got %d %v", code, err)
	}
	fmt.Fprintf(os.Stderr, "  image %s: %s answers %s after %d ms, stops in %d ms\n", in.name(), role[0], probe, ready.Milliseconds(), time.Since(stopping).Milliseconds())
	return nil
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

type safeBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.buffer.Write(p)
}

func (s *safeBuffer) String() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.buffer.String()
}

var _ io.Writer = (*safeBuffer)(nil)
