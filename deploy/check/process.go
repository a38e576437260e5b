package main

import (
	"errors"
	"os/exec"
	"runtime"
	"time"
)

// process is a started container process whose end is awaited once, in the background.
type process struct {
	command *exec.Cmd
	output  *safeBuffer
	done    chan struct{}
}

func (in image) start(argv, environment []string) (*process, error) {
	command, err := in.command(argv, environment...)
	if err != nil {
		return nil, err
	}
	p := &process{command: command, output: &safeBuffer{}, done: make(chan struct{})}
	command.Stdout, command.Stderr = p.output, p.output
	started := make(chan error)
	go func() {
		// Pdeathsig fires when the starting thread ends, so that thread stays until the process has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait()
			close(p.done)
		}
	}()
	return p, <-started
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

func (p *process) wait(limit time.Duration) (int, error) {
	select {
	case <-p.done:
		return p.command.ProcessState.ExitCode(), nil
	case <-time.After(limit):
		_ = p.kill()
		return -1, errors.New("it had to be killed after " + limit.String())
	}
}

func (p *process) kill() error {
	if p.ended() {
		return nil
	}
	err := p.command.Process.Kill()
	<-p.done
	return err
}
