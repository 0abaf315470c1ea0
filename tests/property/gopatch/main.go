// Applies JSON patches with the very library that the API server applies them with: one
// {"object": ..., "patch": base64} a line on standard input, one {"object": ...} or {"error": ...}
// a line on standard output.
package main

import (
	"bufio"
	"encoding/json"
	"log"
	"os"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

type question struct {
	Object json.RawMessage `json:"object"`
	Patch  []byte          `json:"patch"`
}

type answer struct {
	Object json.RawMessage `json:"object,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// apply does what the mutating dispatcher of k8s.io/apiserver does with a webhook's patch.
func apply(asked question) answer {
	patch, err := jsonpatch.DecodePatch(asked.Patch)
	if err != nil {
		return answer{Error: err.Error()}
	}
	patched, err := patch.Apply(asked.Object)
	if err != nil {
		return answer{Error: err.Error()}
	}
	return answer{Object: patched}
}

func main() {
	lines := json.NewDecoder(bufio.NewReader(os.Stdin))
	answers := json.NewEncoder(os.Stdout)
	for lines.More() {
		var asked question
		if err := lines.Decode(&asked); err != nil {
			log.Fatal(err)
		}
		if err := answers.Encode(apply(asked)); err != nil {
			log.Fatal(err)
		}
	}
}
