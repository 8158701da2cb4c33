package main

// counter counts the lines written to it, in constant memory however long a
// line is. A last line without a newline counts.
type counter struct {
	lines, blank, todo int

	started bool // the line has a byte
	text    bool // the line has more than white space
	word    [len("FIXME") + 1]byte
	size    int // of the word so far; a full one is longer than any marker
}

func (c *counter) Write(p []byte) (int, error) {
	for _, b := range p {
		if isWord(b) {
			c.started, c.text = true, true
			if c.size < len(c.word) {
				c.word[c.size] = b
				c.size++
			}
			continue
		}
		c.endWord()
		switch b {
		case '\n':
			c.endLine()
		case ' ', '\t', '\r', '\v', '\f':
			c.started = true
		default:
			c.started, c.text = true, true
		}
	}
	return len(p), nil
}

// counts ends the file.
func (c *counter) counts() Counts {
	c.endWord()
	if c.started {
		c.endLine()
	}
	return Counts{Files: 1, Lines: c.lines, Blank: c.blank, Todo: c.todo}
}

func (c *counter) endWord() {
	switch string(c.word[:c.size]) {
	case "TODO", "FIXME":
		c.todo++
	}
	c.size = 0
}

func (c *counter) endLine() {
	c.lines++
	if !c.text {
		c.blank++
	}
	c.started, c.text = false, false
}

// isWord takes bytes beyond ASCII for letters.
func isWord(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b >= 0x80
}
