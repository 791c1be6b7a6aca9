package unixfs

import (
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

const (
	defaultChunk = 256 << 10
	// maxChunk is the maximum size of a chunk in bytes: the 2 MiB that bitswap
	// allows for a block, less 256 bytes for the framing.
	maxChunk = 2<<20 - 256
)

// The errors of chunker parameters, with the server's wording.
var (
	errChunkSize = errors.New("chunker size must be greater than 0")
	errChunkMax  = fmt.Errorf("chunker parameters may not exceed the maximum chunk size of %d", maxChunk)
	errRabinMin  = errors.New("rabin min must be greater than 16")
)

// chunking is a parsed chunker parameter.
type chunking struct {
	kind chunkerKind
	// size is the size of all chunks but the last, for chunkers of a fixed size.
	size  int
	rabin rabinParams
}

type chunkerKind int

const (
	fixedChunks chunkerKind = iota
	rabinChunks
	buzhashChunks
)

// parseChunker parses the chunker parameter of a request.
func parseChunker(s string) (chunking, error) {
	if s == "" || s == "default" {
		return chunking{size: defaultChunk}, nil
	}
	name, _, _ := strings.Cut(s, "-")
	switch name {
	case "size":
		size, err := parseChunkSize(strings.Split(s, "-"))
		return chunking{size: size}, err
	case "rabin":
		p, err := parseRabin(strings.Split(s, "-"))
		return chunking{kind: rabinChunks, rabin: p}, err
	case "buzhash":
		return chunking{kind: buzhashChunks}, nil
	default:
		return chunking{}, fmt.Errorf("unrecognized chunker option: %s", s)
	}
}

func parseChunkSize(parts []string) (int, error) {
	if len(parts) != 2 {
		return 0, errors.New("incorrect chunker string format (expected size-{size})")
	}
	size, err := strconv.Atoi(parts[1])
	switch {
	case err != nil:
		return 0, err
	case size <= 0:
		return 0, errChunkSize
	case size > maxChunk:
		return 0, errChunkMax
	}
	return size, nil
}

func parseRabin(parts []string) (rabinParams, error) {
	switch len(parts) {
	case 1:
		return rabinAround(defaultChunk), nil
	case 2:
		avg, err := strconv.Atoi(parts[1])
		switch {
		case err != nil:
			return rabinParams{}, err
		// The server panics at these averages, or makes one chunk of any file.
		case avg/3 < rabinWindow:
			return rabinParams{}, errRabinMin
		case avg > maxChunk || avg+avg/2 > maxChunk:
			return rabinParams{}, errChunkMax
		}
		return rabinAround(avg), nil
	case 4:
		return parseRabinBounds(parts[1:])
	default:
		return rabinParams{}, errors.New("incorrect format (expected 'rabin' 'rabin-[avg]' or 'rabin-[min]-[avg]-[max]'")
	}
}

// rabinAround returns the parameters for an average size of chunks.
func rabinAround(avg int) rabinParams {
	return rabinParams{min: avg / 3, max: avg + avg/2, mask: rabinMask(avg)}
}

// rabinMask returns a mask whose number of bits makes chunks of about avg bytes.
func rabinMask(avg int) uint64 {
	return 1<<(bits.Len(uint(avg))-1) - 1
}

func parseRabinBounds(parts []string) (rabinParams, error) {
	smallest, err := parseBound(parts[0], "min", "first")
	if err != nil {
		return rabinParams{}, err
	}
	if smallest < rabinWindow {
		return rabinParams{}, errRabinMin
	}
	avg, err := parseBound(parts[1], "avg", "second")
	if err != nil {
		return rabinParams{}, err
	}
	largest, err := parseBound(parts[2], "max", "final")
	switch {
	case err != nil:
		return rabinParams{}, err
	case smallest >= avg:
		return rabinParams{}, errors.New("incorrect format: rabin-min must be smaller than rabin-avg")
	case avg >= largest:
		return rabinParams{}, errors.New("incorrect format: rabin-avg must be smaller than rabin-max")
	case largest > maxChunk:
		return rabinParams{}, errChunkMax
	}
	return rabinParams{min: smallest, max: largest, mask: rabinMask(avg)}, nil
}

// parseBound parses a number that can have a label and a colon before it.
func parseBound(s, label, position string) (int, error) {
	parts := strings.Split(s, ":")
	if len(parts) > 1 && parts[0] != label {
		return 0, fmt.Errorf("%s label must be %s", position, label)
	}
	return strconv.Atoi(parts[len(parts)-1])
}
