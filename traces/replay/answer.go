package replay

import "time"

type answer struct{ sent, end time.Time }
