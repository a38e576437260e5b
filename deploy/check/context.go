package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
)

func (b *builder) copy(into image, c *instructions.CopyCommand) error {
	if c.Chown != "" || c.Chmod != "" || c.Link || c.Parents || len(c.ExcludePatterns) > 0 {
		return fmt.Errorf("COPY: this check knows no flag but --from")
	}
	destination := filepath.Join(into.root, c.DestPath)
	if !filepath.IsAbs(c.DestPath) {
		destination = filepath.Join(into.root, into.workdir, c.DestPath)
	}
	for _, source := range c.SourcePaths {
		target := destination
		if c.From != "" {
			from, err := b.build(c.From)
			if err != nil {
				return err
			}
			out, err := exec.Command("cp", "-alT", filepath.Join(from.root, source), target).CombinedOutput()
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			continue
		}
		if strings.HasSuffix(c.DestPath, "/") {
			target = filepath.Join(destination, filepath.Base(source))
		}
		files, err := b.contextFiles(source)
		if err != nil {
			return err
		}
		for _, file := range files {
			relative, _ := filepath.Rel(source, file)
			if err := copyFile(filepath.Join(b.context, file), filepath.Join(target, relative)); err != nil {
				return err
			}
		}
	}
	return nil
}

// contextFiles lists the files below a path that .dockerignore lets into the build context.
func (b *builder) contextFiles(source string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(filepath.Join(b.context, source), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, _ := filepath.Rel(b.context, path)
		ignored, err := b.ignore.MatchesOrParentMatches(relative)
		if err == nil && !ignored && entry.Type().IsRegular() {
			files = append(files, relative)
		}
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("COPY %s: expected files, .dockerignore leaves none in the build context", source)
	}
	return files, err
}

// key hashes what a stage is made of: its text, its parent, the files that it copies, the Node version.
func (b *builder) key(stage instructions.Stage, base string) (string, error) {
	hash := sha256.New()
	fmt.Fprintln(hash, b.baseline, stage.BaseName)
	if base != "" {
		hash.Write(must(os.ReadFile(filepath.Join(filepath.Dir(base), "key"))))
	}
	for _, command := range stage.Commands {
		fmt.Fprintln(hash, command)
		c, ok := command.(*instructions.CopyCommand)
		if !ok {
			continue
		}
		if c.From != "" {
			if _, err := b.build(c.From); err != nil {
				return "", err
			}
			hash.Write(must(os.ReadFile(filepath.Join(b.cache, "stages", c.From, "key"))))
			continue
		}
		for _, source := range c.SourcePaths {
			files, err := b.contextFiles(source)
			if err != nil {
				return "", err
			}
			for _, file := range files {
				fmt.Fprintln(hash, file, sha256.Sum256(must(os.ReadFile(filepath.Join(b.context, file)))))
			}
		}
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	os.Remove(to)
	return os.WriteFile(to, content, 0o644)
}
