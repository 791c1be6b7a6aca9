package hostile

import (
	"slices"
	"strings"
)

// Directory is the name of the directory that is uploaded for the answers to adds.
const Directory = "site"

// File is a file of Directory.
type File struct{ Name, Content string }

// Files returns the files of Directory.
func Files() []File { return []File{{"a.txt", "hello"}, {"b.txt", "world"}} }

// The documents of a correct report about the upload of Directory.
const (
	outputA    = `{"name":"site/a.txt","cid":"` + CID + `","size":13}`
	outputB    = `{"name":"site/b.txt","cid":"QmNyJpQkU1cEkBwMDhDNFstr42q55mqG5GE5Mgwug4xyGk","size":13}`
	outputRoot = `{"name":"site","cid":"` + root + `","size":124}`
	root       = "QmRnsqYHEJY5yYPNpxuJ8YFUFgkgWtVoEyX5a9sdhZk9fQ"
	// rootV1 is the same block as root, with a CID of version 1.
	rootV1 = "bafybeibtjmaycjduomdvftjupo7xerbx6l6j6zczrq3ni4mbwmhok5sjrm"
	// otherRoot is an empty directory.
	otherRoot = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
)

// adding are the methods that add.
var adding = []string{"Add", "AddMultiFile"}

// Report is the correct answer to an add of Directory. Only adds judge it.
func Report() Answer {
	a := reported("the report of an add", outputA, outputB, outputRoot)
	a.May = append(slices.Clip(a.May), adding...)
	return a
}

// adds are reports of adds that are well-formed and wrong. The peer did not store
// what was sent, or does not prove that it did.
func adds() []Answer {
	swap := func(output, old, other string) string { return strings.Replace(output, old, other, 1) }
	wrongA := swap(outputA, CID, otherRoot)
	array := func(name string, outputs ...string) Answer {
		return Answer{Name: name, Wire: object("[" + strings.Join(outputs, ",") + "]"), May: append([]string{"Alerts", "Metrics"}, lists...)}
	}
	broken := func(name, end string, then End) Answer {
		return Answer{Name: name, Wire: streamed() + items(outputA, outputB) + end, End: then, May: ofPin}
	}
	return []Answer{
		Report(),
		reported("an add with a wrong CID", wrongA, outputB, outputRoot),
		reported("an add with the CIDs of two files swapped", swap(outputB, "b.txt", "a.txt"), swap(outputA, "a.txt", "b.txt"), outputRoot),
		reported("an add with the root of another DAG", outputA, outputB, swap(outputRoot, root, otherRoot)),
		reported("an add with the root in version 1", outputA, outputB, swap(outputRoot, root, rootV1)),
		reported("an add with wrong CIDs everywhere", wrongA, swap(outputB, "b.txt", "c.txt"), swap(outputRoot, root, otherRoot)),
		reported("an add with an output too many", outputA, outputB, swap(outputA, "a.txt", "c.txt"), outputRoot),
		reported("an add with an output behind the root", outputA, outputB, outputRoot, swap(outputRoot, "site", "")),
		reported("an add without the first output", outputB, outputRoot),
		reported("an add without the second output", outputA, outputRoot),
		reported("an add without the root", outputA, outputB),
		reported("an add with the root alone", outputRoot),
		reported("an add with an output twice", outputA, outputA, outputB, outputRoot),
		reported("an add with the root twice", outputA, outputB, outputRoot, outputRoot),
		reported("an add in another order", outputB, outputA, outputRoot),
		reported("an add with the root first", outputRoot, outputA, outputB),
		reported("an add with another name", swap(outputA, "a.txt", "../a.txt"), outputB, outputRoot),
		reported("an add without names", swap(outputA, "site/a.txt", ""), swap(outputB, "site/b.txt", ""), swap(outputRoot, "site", "")),
		array("an add in an array, with a wrong CID", wrongA, outputB, outputRoot),
		array("an add in an array, without the root", outputA, outputB),
		array("an add in an array, in another order", outputB, outputA, outputRoot),
		broken("an add without the root, and the end", "", Close),
		broken("an add without the root, then silence", "", Hold),
		broken("an add with half of the root, properly ended", chunk(outputRoot[:20])+last, Keep),
	}
}

// lists are the methods that accept a list of items with CIDs.
var lists = append(slices.Clip(bodiless), "Allocations", "StatusAll", "RecoverAll", "StatusCids")

// reported returns an answer that consists of the given outputs.
func reported(name string, outputs ...string) Answer {
	return Answer{Name: name, Wire: streamed() + items(outputs...) + last, May: append(slices.Clip(ofPin), lists...)}
}

// items returns the documents of a stream.
func items(documents ...string) string {
	var b strings.Builder
	for _, d := range documents {
		b.WriteString(chunk(d + "\n"))
	}
	return b.String()
}
