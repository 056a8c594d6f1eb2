package report

import (
	"time"

	"tidegauge/schemas"
)

const hourUS = 60 * schemas.MinuteUS

// byTime fills by_hour and by_weekday_hour. Rows are in order, so an hour's requests stand together.
func byTime(c *columns, where *time.Location, out *Service) {
	for i := 0; i < len(c.t); {
		weekday, hour, end := localHour(c.t[i], where)
		var h Hour
		for ; i < len(c.t) && c.t[i] < end; i++ {
			h.Requests++
			h.Failures += int64(failedByEnd[c.end[i]&7])
			h.RequestTokens += int64(max(c.request[i], 0))
			h.ResponseTokens += int64(max(c.response[i], 0))
		}
		out.ByHour[hour].Add(h)
		out.ByWeekdayHour[weekday][hour].Add(h)
	}
}

// localHour gives the weekday (Monday is 0) and hour of day of a time, and when that hour, or the zone's offset, ends.
func localHour(us int64, where *time.Location) (weekday, hour int, end int64) {
	at := time.UnixMicro(us).In(where)
	_, offset := at.Zone()
	local := us + int64(offset)*schemas.SecondUS
	end = us + hourUS - (local%hourUS+hourUS)%hourUS
	if _, change := at.ZoneBounds(); !change.IsZero() {
		end = min(end, change.UnixMicro())
	}
	return (int(at.Weekday()) + 6) % 7, at.Hour(), end
}
