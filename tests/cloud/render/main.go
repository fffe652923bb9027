// Renders the template of a composition as function-go-templating does: Go's text/template with the functions of sprig.
//
// Reads {"template": TEXT, "data": {"observed": …}} and writes the rendered text.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

func main() {
	if err := render(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func render() error {
	var input struct {
		Template string
		Data     map[string]any
	}
	if err := json.NewDecoder(os.Stdin).Decode(&input); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	parsed, err := template.New("composition").Funcs(sprig.TxtFuncMap()).Parse(input.Template)
	if err != nil {
		return err
	}
	return parsed.Execute(os.Stdout, input.Data)
}
