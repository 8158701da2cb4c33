package disk_test

import "fmt"

// A tape is what a process did to the files of one folder, in order, and what
// it confirmed in between.
type tape []event

type event struct {
	kind kind
	name string // of the file in the folder
	to   string // of a rename
	off  int64  // of a write; the size of a resize
	data []byte // of a write; the line of a confirmation
}

type kind uint8

const (
	confirmed kind = iota
	created
	written
	resized
	renamed
	unlinked
	synced       // a file
	folderSynced // the names
)

func (e event) String() string {
	switch e.kind {
	case confirmed:
		return fmt.Sprintf("confirmed %s", e.data)
	case created:
		return "created " + e.name
	case written:
		return fmt.Sprintf("wrote %d bytes of %s at %d", len(e.data), e.name, e.off)
	case resized:
		return fmt.Sprintf("resized %s to %d bytes", e.name, e.off)
	case renamed:
		return fmt.Sprintf("renamed %s to %s", e.name, e.to)
	case unlinked:
		return "unlinked " + e.name
	case synced:
		return "synced " + e.name
	default:
		return "synced the folder"
	}
}
