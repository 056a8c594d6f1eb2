package workload

import (
	"embed"
	"fmt"
	"strings"
)

//go:embed shipped/*.json
var shipped embed.FS

// shippedNames are the profiles that come along, in the order in which to list them.
var shippedNames = []string{"chat", "api", "reasoning", "burstgpt"}

// ShippedNames gives the names of the profiles that come along.
func ShippedNames() []string { return append([]string(nil), shippedNames...) }

// Shipped gives a profile that comes along. It is a new one each time.
func Shipped(name string) (*Profile, error) {
	for _, n := range shippedNames {
		if n == name {
			f, err := shipped.Open("shipped/" + name + ".json")
			if err != nil {
				return nil, err
			}
			defer f.Close()
			return Read(f)
		}
	}
	return nil, fmt.Errorf("there is no profile %q: there are %s", name, strings.Join(shippedNames, ", "))
}
