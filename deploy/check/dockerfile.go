package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/opencontainers/go-digest"
)

// offline answers for a registry: every base image exists, and sets PATH as the official ones do.
type offline struct{}

const basePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func (offline) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","config":{"Env":["PATH=%s"]}}`, basePath)
	return ref, digest.FromString(ref), []byte(config), nil
}

func checkDockerfile(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	source := llb.NewSourceMap(nil, filepath.Base(file), "Dockerfile", content)
	source.Definition = &llb.Definition{}
	options := dockerfile2llb.ConvertOpt{MetaResolver: offline{}, SourceMap: source}
	results, err := dockerfile2llb.DockerfileLint(context.Background(), content, options)
	if err != nil {
		return err
	}
	var found []string
	if results.Error != nil {
		found = append(found, results.Error.Message)
	}
	for _, warning := range results.Warnings {
		line := int32(0)
		if len(warning.Location.GetRanges()) > 0 {
			line = warning.Location.Ranges[0].Start.Line
		}
		found = append(found, fmt.Sprintf("line %d: %s: %s", line, warning.RuleName, warning.Detail))
	}
	if len(found) > 0 {
		return fmt.Errorf("%s:\n  %s", file, strings.Join(found, "\n  "))
	}
	return nil
}

// parseStages reads the stages, and the value of every ARG above the first of them.
func parseStages(file string) ([]instructions.Stage, map[string]string, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	tree, err := parser.Parse(bytes.NewReader(content))
	if err != nil {
		return nil, nil, err
	}
	stages, global, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return nil, nil, err
	}
	arguments := map[string]string{}
	for _, command := range global {
		for _, argument := range command.Args {
			arguments[argument.Key] = argument.ValueString()
		}
	}
	return stages, arguments, nil
}
