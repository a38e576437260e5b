package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// enter mounts into an image's root what a container has: the base image's system, a toolbox as /usr/local, devices, and,
// when readOnly, a root that nobody can write to, a /tmp in memory and a fresh volume for each VOLUME. The calling process
// must have a mount namespace of its own.
func enter(in image, toolbox string, readOnly bool) (leave func(), err error) {
	var mounted []string
	leave = func() {
		for i := len(mounted) - 1; i >= 0; i-- {
			_ = syscall.Unmount(mounted[i], syscall.MNT_DETACH)
		}
	}
	mount := func(source, target, kind string, flags uintptr) {
		if err != nil {
			return
		}
		if err = syscall.Mount(source, target, kind, flags, ""); err != nil {
			err = fmt.Errorf("mount %s at %s: %w (this check needs root and a mount namespace)", source, target, err)
			return
		}
		if flags&syscall.MS_REMOUNT == 0 {
			mounted = append(mounted, target)
		}
	}
	bind := func(source, target string, frozen bool) {
		mount(source, target, "", syscall.MS_BIND|syscall.MS_REC)
		if frozen {
			mount("", target, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY)
		}
	}
	at := func(path string) string { return filepath.Join(in.root, path) }
	bind(in.root, in.root, false)
	for _, folder := range []string{"/usr", "/etc", "/bin", "/sbin", "/lib", "/lib64"} {
		if target, e := os.Lstat(at(folder)); e == nil && target.IsDir() {
			bind(folder, at(folder), true)
		}
	}
	bind(toolbox, at("/usr/local"), true)
	bind("/proc", at("/proc"), false)
	bind("/dev", at("/dev"), false)
	if !readOnly {
		if cache, e := os.UserHomeDir(); e == nil { // what --mount=type=cache is for
			if e := os.MkdirAll(filepath.Join(cache, ".npm"), 0o755); e == nil && os.MkdirAll(at("/root/.npm"), 0o755) == nil {
				bind(filepath.Join(cache, ".npm"), at("/root/.npm"), false)
			}
		}
		return leave, failed(err, leave)
	}
	mount("tmpfs", at("/tmp"), "tmpfs", 0)
	for _, volume := range in.volumes {
		var owner syscall.Stat_t
		if err == nil {
			err = syscall.Stat(at(volume), &owner)
		}
		mount("tmpfs", at(volume), "tmpfs", 0)
		if err == nil { // an engine gives a new volume the owner that the folder has in the image
			err = os.Chown(at(volume), int(owner.Uid), int(owner.Gid))
		}
		if err == nil {
			err = os.Chmod(at(volume), os.FileMode(owner.Mode&0o777))
		}
	}
	mount("", in.root, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY)
	return leave, failed(err, leave)
}

func failed(err error, leave func()) error {
	if err != nil {
		leave()
	}
	return err
}

// command prepares a process as the container's first one: PID 1 of its own PID namespace, the image's user without
// any capability, its environment and nothing of ours.
func (in image) command(argv []string, environment ...string) (*exec.Cmd, error) {
	user, group, ok := strings.Cut(in.user, ":")
	uid, uidErr := strconv.ParseUint(user, 10, 32)
	gid, gidErr := strconv.ParseUint(group, 10, 32)
	if !ok || uidErr != nil || gidErr != nil {
		return nil, fmt.Errorf("USER: expected numbers uid:gid, got %q", in.user)
	}
	home := "HOME=/home/node"
	if uid == 0 {
		home = "HOME=/root"
	}
	command := exec.Command("/usr/bin/env", append([]string{"--"}, argv...)...)
	command.Dir = in.workdir
	command.Env = append(append(append([]string{}, in.env...), home), environment...)
	command.SysProcAttr = &syscall.SysProcAttr{
		Chroot:     in.root,
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC,
		Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
		Pdeathsig:  syscall.SIGKILL,
	}
	return command, nil
}

var networkSetting = regexp.MustCompile(`(?i)^(https?_proxy|no_proxy|all_proxy|npm_config_.*|node_extra_ca_certs|ssl_cert_(file|dir))=`)

// hostNetworkSettings passes on what a build needs to reach the package registry from this machine.
func hostNetworkSettings() []string {
	var found []string
	for _, setting := range os.Environ() {
		if networkSetting.MatchString(setting) {
			found = append(found, setting)
		}
	}
	return found
}
