package replay

import (
	"runtime"
	"syscall"
	"time"
)

// nap sleeps by the kernel's clock, which is some 60 us late where the runtime's timers may be a millisecond late. What was
// started before runs first: a thread that sleeps keeps what is queued on it for as long as it takes the runtime to notice.
func nap(d time.Duration) {
	runtime.Gosched()
	if d <= 0 {
		return
	}
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // cut short by a signal, it is called again
}
