package field

import (
	"os/exec"
	"syscall"
)

// endWithTest makes the system end the process if the test dies before it can,
// for example because of go test -timeout.
func endWithTest(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
