// Command smallest prints a line.
package main

import "os"

func main() { _, _ = os.Stdout.WriteString("hello\n") }
