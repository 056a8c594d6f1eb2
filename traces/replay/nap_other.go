//go:build !linux

package replay

import "time"

// nap sleeps.
func nap(d time.Duration) { time.Sleep(d) }
