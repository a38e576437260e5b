// Command check validates what deploy/ holds with the parsers that Docker itself uses.
//
//	check compose FILE             schema and references of a compose file; prints it, resolved, as JSON
//	check dockerfile FILE          BuildKit's own linter and conversion, for every stage
//	check image FILE ROOT CACHE    runs the stages and starts the result, without an engine (Linux, root, see image.go)
package main

import (
	"errors"
	"fmt"
	"os"
)

func main() {
	var err error
	switch arguments := os.Args[1:]; {
	case len(arguments) == 2 && arguments[0] == "compose":
		err = checkCompose(arguments[1])
	case len(arguments) == 2 && arguments[0] == "dockerfile":
		err = checkDockerfile(arguments[1])
	case len(arguments) == 4 && arguments[0] == "image":
		err = checkImages(arguments[1], arguments[2], arguments[3])
	default:
		err = errors.New("expected: compose FILE | dockerfile FILE | image FILE ROOT CACHE")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		os.Exit(1)
	}
}
