package tlo

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// maxConfig bounds a configuration file, in bytes.
const maxConfig = 1 << 20

// LoadFile reads, parses and validates a configuration file. Relative paths in
// it count from its folder, and so do those that it leaves at their defaults.
// What is wrong with the content is one [*ConfigError]; a file that cannot be
// read is another error, which matches those of package fs.
func LoadFile(path string) (Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return Config{}, fmt.Errorf("config: %w", err)
	}
	return parse(src, path, filepath.Dir(abs))
}

// Parse is [LoadFile] for content that has been read already. filename is for
// errors, and its folder is where relative paths count from.
func Parse(src []byte, filename string) (Config, error) {
	return parse(src, filename, filepath.Dir(filename))
}

func parse(src []byte, filename, dir string) (Config, error) {
	d := &decoder{file: filename, dir: dir}
	if hint := d.tooMuch(src); hint != "" {
		d.add(Position{File: filename}, hint, "the file is not a configuration")
		return Config{}, d.err()
	}
	file, diags := hclsyntax.ParseConfig(src, filename, hcl.InitialPos)
	if diags.HasErrors() {
		// What the parser recovers is not what was meant: only say what it says.
		for _, diag := range diags {
			d.add(d.diagPosition(diag), lower(diag.Detail), "%s", lower(diag.Summary))
		}
		return Config{}, d.err()
	}
	var c Config
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		d.config(body, &c)
	}
	or(&c.DataDir, filepath.Join(dir, "data"))
	if c.Plugins == nil {
		c.Plugins = []string{filepath.Join(dir, "plugins")}
	}
	c = c.WithDefaults()
	d.problems = append(d.problems, c.check()...)
	if err := d.err(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// The HCL parser recurses without limit, and Go ends the process when a stack
// overflows. A configuration nests a few levels and needs no operators.
const (
	maxNesting   = 100
	maxOperators = 1000
)

// tooMuch returns why src is not to be parsed, or "".
func (d *decoder) tooMuch(src []byte) string {
	if len(src) > maxConfig {
		return fmt.Sprintf("it has %d bytes, and the limit is %d", len(src), maxConfig)
	}
	tokens, _ := hclsyntax.LexConfig(src, d.file, hcl.InitialPos) // the parser reports it again
	depth, operators, minus := 0, 0, false
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen,
			hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen,
			hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
			depth--
		case hclsyntax.TokenTemplateControl:
			operators++
			depth++
		case hclsyntax.TokenBang, hclsyntax.TokenQuestion:
			operators++
		case hclsyntax.TokenMinus:
			if minus {
				operators++
			}
		}
		minus = t.Type == hclsyntax.TokenMinus
		if depth > maxNesting || operators > maxOperators {
			return fmt.Sprintf("line %d nests too deeply", t.Range.Start.Line)
		}
	}
	return ""
}

func (d *decoder) diagPosition(diag *hcl.Diagnostic) Position {
	if diag.Subject == nil {
		return Position{File: d.file}
	}
	return d.at(*diag.Subject)
}

// lower makes a sentence of the HCL parser a phrase of ours.
func lower(s string) string {
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ".")
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
