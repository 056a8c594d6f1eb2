package config

// didYouMean gives "; did you mean X?" for the candidate nearest to word, "" where none is near.
func didYouMean(word string, candidates []string) string {
	best, least := "", len(word)/2+1
	if least > 4 {
		least = 4
	}
	for _, c := range candidates {
		if d := distance(word, c); c != "" && d < least {
			best, least = c, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// distance is Levenshtein's: the least number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
