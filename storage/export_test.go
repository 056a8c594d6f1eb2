package storage

// ErrorCodes gives the tests the names in the table of error codes.
func ErrorCodes() map[int32]string {
	names := make(map[int32]string)
	for code, entry := range codes {
		names[code] = entry.name
	}
	return names
}

// SetRequestsInQuery has DB.Requests read as many requests at a time, and gives what takes that back.
func SetRequestsInQuery(n int64) func() {
	before := requestsInQuery
	requestsInQuery = n
	return func() { requestsInQuery = before }
}
