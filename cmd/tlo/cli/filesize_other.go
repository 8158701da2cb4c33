//go:build !unix

package cli

func ignoreFileSize() {} // no such limit here
