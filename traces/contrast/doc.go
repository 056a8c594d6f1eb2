// Package contrast compares two loads and says, section by section, whether the one may stand for the other, by which
// number, and what follows for a load test. (report.Compare is another thing: whether two documents are the same.)
//
// A Recorder takes in each side's requests; Compare gives the document tidegauge.comparison/1 (document.go,
// comparison.schema.json) and what pictures are drawn from; table.go, write.go and page.go write these for people,
// programs and browsers. It is pure: it reads no file, no clock, no database, and equal requests give equal bytes.
//
// Start with measure.go, the list of the numbers that decide and their tolerances, and verdict.go, the rule;
// yardstick.go is how far parts of one side are from each other, which is what the rule holds differences against.
// docs/traces.md says the same for users.
//
// Not obvious:
//   - Verdicts are made from exact numbers (a Collector's summary, sorted values); only the yardstick is made of
//     histograms, because it compares hundreds of halves. part.go is a row of sums and histograms that adds up.
//   - Distributions are gone through one after the other (sample.go): all at once would be several times the log.
//   - Pictures are SVG with classes for colours (canvas.go), so that one page is light, dark and printable without a
//     script.
package contrast
