package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
)

// checkCompose loads a file as `docker compose` does: interpolation from this process's environment, JSON schema,
// references between services, volumes and networks. Images must name a version.
func checkCompose(file string) error {
	options, err := cli.NewProjectOptions([]string{file}, cli.WithOsEnv)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for name, service := range project.Services {
		_, tag, found := strings.Cut(service.Image[strings.LastIndex(service.Image, "/")+1:], ":")
		if !found || tag == "latest" {
			return fmt.Errorf("%s: service %s: expected an image with a version, got %q", file, name, service.Image)
		}
	}
	json, err := project.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(json)
	return err
}
