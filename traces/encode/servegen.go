package encode

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// serveGen is what ServeGen composes workloads of: for each client its rate, its gaps' CV and a law for them by 10 minutes, and
// its lengths' distributions by 6 hours. It holds statistics, no requests. Requests that name no client are one client together.
var serveGen = Format{
	Name:        "servegen",
	Description: "ServeGen's folder of clients: rates, gaps and lengths by 10 minutes, no single requests",
	Folder:      true,
	counts:      true, origin: OriginFirst, lengths: true,
	carries: carrying("client"),
}

const (
	serveGenWindowUS  = 600 * schemas.SecondUS
	serveGenDatasetUS = 21_600 * schemas.SecondUS
	// maxServeGenClients bounds what is in memory: some 100 KB a client at most. Clients that come later are one together.
	maxServeGenClients = 1_000
)

// Files makes the files of a folder. A file is named more than once; what is written then comes after what was there.
type Files interface {
	Append(name string) (io.WriteCloser, error)
}

// NewFolder makes an encoder that writes a folder's files.
func (f *Format) NewFolder(files Files, o Options) (Encoder, error) {
	if !f.Folder {
		return nil, fmt.Errorf("format %s is a file, not a folder", f.Name)
	}
	p, err := newPrepare(f, o)
	if err != nil {
		return nil, err
	}
	return &encoder{format: f, prepare: p, sink: &serveGenFolder{files: files, losses: &p.losses, byName: make(map[string]*serveGenClient)}}, nil
}

type serveGenFolder struct {
	files   Files
	losses  *losses
	clients []*serveGenClient
	byName  map[string]*serveGenClient
	// window and dataset number the ones at hand.
	window, dataset int64
}

// serveGenClient is one client: what the windows at hand have, and what is not in its files yet.
type serveGenClient struct {
	number    int
	last      int64 // its latest arrival
	known     bool
	requests  int64
	gaps      []float64 // seconds, of the window
	written   int64     // windows in its trace
	lengths   [2]map[int64]int64
	trace     bytes.Buffer
	data      bytes.Buffer
	dataBegun bool
}

func (s *serveGenFolder) write(r *schemas.Request, us int64) error {
	if err := s.advance(us); err != nil {
		return err
	}
	c := s.client(r.Client)
	c.requests++
	if c.known {
		c.gaps = append(c.gaps, float64(max(us-c.last, 0))/schemas.SecondUS)
	}
	c.last, c.known = us, true
	c.lengths[0][r.RequestTokens]++
	c.lengths[1][r.ResponseTokens]++
	return nil
}

func (s *serveGenFolder) client(name string) *serveGenClient {
	c := s.byName[name]
	if c != nil {
		return c
	}
	if len(s.clients) >= maxServeGenClients {
		s.losses.add("client", fmt.Sprintf("beyond the first %d, which are one client together", maxServeGenClients-1))
		return s.clients[len(s.clients)-1]
	}
	c = &serveGenClient{number: len(s.clients), lengths: [2]map[int64]int64{{}, {}}}
	s.clients = append(s.clients, c)
	s.byName[name] = c
	return c
}

// advance ends the windows before a time.
func (s *serveGenFolder) advance(us int64) error {
	if dataset := us / serveGenDatasetUS; dataset > s.dataset {
		// A window lies in one dataset, so the trace's come first.
		if err := s.endWindow(); err != nil {
			return err
		}
		s.window = us / serveGenWindowUS
		err := s.endDataset()
		s.dataset = dataset
		return err
	}
	if window := us / serveGenWindowUS; window > s.window {
		err := s.endWindow()
		s.window = window
		return err
	}
	return nil
}

func (s *serveGenFolder) endWindow() error {
	for _, c := range s.clients {
		if c.requests == 0 {
			continue // filled in later: the same silence for all
		}
		c.silence(s.window)
		shape := shapeOf(c.gaps, float64(c.requests)/600)
		fmt.Fprintf(&c.trace, "%d,%s,%s,%s,%s,%s\n", s.window*600, decimal(float64(c.requests)/600), decimal(shape.cv), shape.law,
			decimal(shape.first), decimal(shape.second))
		c.written = s.window + 1
		c.requests, c.gaps = 0, c.gaps[:0]
		if err := s.spill(c); err != nil {
			return err
		}
	}
	return nil
}

// silence writes the windows without requests up to one.
func (c *serveGenClient) silence(window int64) {
	for ; c.written < window; c.written++ {
		c.trace.WriteString(strconv.FormatInt(c.written*600, 10) + ",0,0,,0,0\n")
	}
}

func (s *serveGenFolder) endDataset() error {
	for _, c := range s.clients {
		if len(c.lengths[0]) == 0 {
			continue
		}
		if !c.dataBegun {
			c.dataBegun = true
			c.data.WriteByte('{')
		} else {
			c.data.WriteString(", ")
		}
		fmt.Fprintf(&c.data, `"%d": {"input_tokens": "%s", "output_tokens": "%s"}`, s.dataset*21_600, shares(c.lengths[0]), shares(c.lengths[1]))
		c.lengths = [2]map[int64]int64{{}, {}}
		if err := s.spill(c); err != nil {
			return err
		}
	}
	return nil
}

// shares writes how often each length is, as a Python dictionary.
func shares(counts map[int64]int64) string {
	lengths := make([]int64, 0, len(counts))
	total := int64(0)
	for length, n := range counts {
		lengths = append(lengths, length)
		total += n
	}
	slices.Sort(lengths)
	out := []byte{'{'}
	for i, length := range lengths {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(strconv.AppendInt(out, length, 10), ": "...)
		out = strconv.AppendFloat(out, float64(counts[length])/float64(total), 'g', -1, 64)
	}
	return string(append(out, '}'))
}

// spill appends what is there to a client's files once it is worth it.
func (s *serveGenFolder) spill(c *serveGenClient) error {
	if c.trace.Len()+c.data.Len() < sheetBytes {
		return nil
	}
	return s.flush(c)
}

func (s *serveGenFolder) flush(c *serveGenClient) error {
	for _, part := range []struct {
		kind string
		text *bytes.Buffer
	}{{"trace.csv", &c.trace}, {"dataset.json", &c.data}} {
		if part.text.Len() == 0 {
			continue
		}
		f, err := s.files.Append(fmt.Sprintf("chunk-%d-%s", c.number, part.kind))
		if err != nil {
			return err
		}
		_, err = part.text.WriteTo(f)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *serveGenFolder) close() error {
	if err := s.endWindow(); err != nil {
		return err
	}
	if err := s.endDataset(); err != nil {
		return err
	}
	for _, c := range s.clients {
		c.silence(s.window + 1) // every client has the same times
		c.data.WriteString("}\n")
		if err := s.flush(c); err != nil {
			return err
		}
	}
	s.losses.note("single requests, conversations, the order of lengths", "a folder of rates and distributions has none")
	return nil
}

// gapShape is the law of a window's gaps, as scipy names its parameters: shape and scale.
type gapShape struct {
	law               string
	cv, first, second float64
}

// shapeOf fits gamma and Weibull to gaps and takes the likelier. Of too few gaps to tell it takes what a Poisson process has.
func shapeOf(gaps []float64, rate float64) gapShape {
	poisson := gapShape{law: "Gamma", cv: 1, first: 1, second: 1 / rate}
	if len(gaps) < 3 {
		return poisson
	}
	mean, square := 0.0, 0.0
	for i, g := range gaps {
		gaps[i] = max(g, 1e-6) // no law has gaps of 0; the logs' clock has
		mean += gaps[i]
	}
	mean /= float64(len(gaps))
	for _, g := range gaps {
		square += (g - mean) * (g - mean)
	}
	cv := math.Sqrt(square/float64(len(gaps))) / mean
	shape, scale := stats.GammaShape(cv), stats.GammaScale(cv, mean)
	if !(cv > 0) || math.IsInf(shape, 0) || math.IsNaN(shape) {
		return poisson // equal gaps
	}
	best := gapShape{law: "Gamma", cv: cv, first: shape, second: scale}
	if k, lambda, ok := weibullOf(cv, mean); ok && weibullLikelihood(gaps, k, lambda) > gammaLikelihood(gaps, shape, scale) {
		best = gapShape{law: "Weibull", cv: cv, first: k, second: lambda}
	}
	return best
}

// weibullOf gives the Weibull law of a CV and a mean, by bisection: the CV falls as the shape grows.
func weibullOf(cv, mean float64) (shape, scale float64, ok bool) {
	ratio := func(k float64) float64 {
		a, _ := math.Lgamma(1 + 2/k)
		b, _ := math.Lgamma(1 + 1/k)
		return math.Sqrt(math.Expm1(a - 2*b))
	}
	low, high := 0.05, 50.0
	if !(ratio(low) >= cv && ratio(high) <= cv) {
		return 0, 0, false
	}
	for range 80 {
		if middle := math.Sqrt(low * high); ratio(middle) > cv {
			low = middle
		} else {
			high = middle
		}
	}
	return low, mean / math.Gamma(1+1/low), true
}

func gammaLikelihood(gaps []float64, shape, scale float64) (sum float64) {
	g, _ := math.Lgamma(shape)
	for _, v := range gaps {
		sum += (shape-1)*math.Log(v) - v/scale - g - shape*math.Log(scale)
	}
	return sum
}

func weibullLikelihood(gaps []float64, shape, scale float64) (sum float64) {
	for _, v := range gaps {
		sum += math.Log(shape/scale) + (shape-1)*math.Log(v/scale) - math.Pow(v/scale, shape)
	}
	return sum
}

func decimal(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
