package main

import (
	"maps"
	"path"
	"slices"
	"strings"
)

// languages maps extensions, and names of files without one, to languages.
var languages = map[string]string{
	".c": "C", ".h": "C",
	".cc": "C++", ".cpp": "C++", ".cxx": "C++", ".hh": "C++", ".hpp": "C++",
	".cs":   "C#",
	".css":  "CSS",
	".dart": "Dart",
	".ex":   "Elixir", ".exs": "Elixir",
	".go":  "Go",
	".hs":  "Haskell",
	".hcl": "HCL", ".tf": "HCL",
	".html": "HTML", ".htm": "HTML",
	".java": "Java",
	".js":   "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript", ".jsx": "JavaScript",
	".json": "JSON",
	".kt":   "Kotlin",
	".lua":  "Lua",
	".md":   "Markdown",
	".php":  "PHP",
	".pl":   "Perl", ".pm": "Perl",
	".proto": "Protocol Buffers",
	".py":    "Python",
	".rb":    "Ruby",
	".rs":    "Rust",
	".scala": "Scala",
	".sh":    "Shell", ".bash": "Shell",
	".sql":   "SQL",
	".swift": "Swift",
	".toml":  "TOML",
	".ts":    "TypeScript", ".tsx": "TypeScript",
	".wat":  "WebAssembly",
	".xml":  "XML",
	".yaml": "YAML", ".yml": "YAML",
	".zig": "Zig",

	"dockerfile": "Dockerfile",
	"makefile":   "Makefile",
}

// languageOf returns "" for a file in no language that is known.
func languageOf(name string) string {
	base := strings.ToLower(path.Base(name))
	if l, ok := languages[base]; ok {
		return l
	}
	return languages[path.Ext(base)]
}

// isLanguage ignores case, as people do.
func isLanguage(name string) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(languages)), func(l string) bool {
		return strings.EqualFold(l, name)
	})
}
