package schemas

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends r as one JSON object, without a newline, and returns the extended slice. Fields that are unknown
// or empty are left out. Text that is not UTF-8 is written with U+FFFD in place of each bad byte, as encoding/json does.
func AppendJSON(dst []byte, r *Request) []byte {
	dst = append(dst, `{"service":`...)
	dst = appendString(dst, r.Service)
	dst = append(dst, `,"model":`...)
	dst = appendString(dst, r.Model)
	dst = appendText(dst, `,"log_type":`, r.LogType)
	dst = appendText(dst, `,"operation":`, r.Operation)
	dst = append(dst, `,"arrival_us":`...)
	dst = strconv.AppendInt(dst, r.ArrivalUS, 10)
	dst = appendText(dst, `,"request_id":`, r.RequestID)
	if r.Seq != 0 {
		dst = append(dst, `,"seq":`...)
		dst = strconv.AppendInt(dst, r.Seq, 10)
	}
	dst = appendText(dst, `,"conversation":`, r.Conversation)
	dst = appendText(dst, `,"client":`, r.Client)
	dst = appendText(dst, `,"prompt_id":`, r.PromptID)
	dst = append(dst, `,"outcome":`...)
	dst = appendString(dst, r.Outcome.String())
	dst = appendNumber(dst, `,"status_code":`, int64(r.StatusCode))
	dst = appendText(dst, `,"error_type":`, r.ErrorType)
	dst = appendText(dst, `,"finish_reason":`, r.FinishReason)
	dst = appendNumber(dst, `,"request_tokens":`, r.RequestTokens)
	dst = appendNumber(dst, `,"response_tokens":`, r.ResponseTokens)
	dst = appendNumber(dst, `,"reasoning_tokens":`, r.ReasoningTokens)
	dst = appendNumber(dst, `,"cached_tokens":`, r.CachedTokens)
	dst = appendNumber(dst, `,"max_tokens":`, r.MaxTokens)
	dst = appendNumber(dst, `,"target_tokens":`, r.TargetTokens)
	dst = appendNumber(dst, `,"steps":`, r.Steps)
	dst = appendNumber(dst, `,"elapsed_us":`, r.ElapsedUS)
	dst = appendNumber(dst, `,"ttft_us":`, r.TTFTUS)
	dst = appendNumber(dst, `,"queue_us":`, r.QueueUS)
	dst = appendText(dst, `,"config":`, r.Config)
	dst = appendText(dst, `,"host":`, r.Host)
	dst = appendFloat(dst, `,"temperature":`, r.Temperature)
	dst = appendFloat(dst, `,"top_p":`, r.TopP)
	if r.HasSeed {
		dst = append(dst, `,"seed":`...)
		dst = strconv.AppendInt(dst, r.Seed, 10)
	}
	if len(r.PrefixHashes) > 0 {
		dst = append(dst, `,"prefix_hashes":[`...)
		for i, h := range r.PrefixHashes {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = strconv.AppendUint(dst, h, 10)
		}
		dst = append(dst, ']')
		if r.PrefixBlockTokens > 0 {
			dst = append(dst, `,"prefix_block_tokens":`...)
			dst = strconv.AppendInt(dst, int64(r.PrefixBlockTokens), 10)
		}
	}
	if len(r.Labels) > 0 {
		dst = append(dst, `,"labels":{`...)
		for i, l := range r.Labels {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(appendString(dst, l.Key), ':')
			dst = appendString(dst, l.Value)
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendText(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, name...), value)
}

func appendNumber(dst []byte, name string, value int64) []byte {
	if value == Unknown {
		return dst
	}
	return strconv.AppendInt(append(dst, name...), value, 10)
}

func appendFloat(dst []byte, name string, value float64) []byte {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return dst
	}
	return strconv.AppendFloat(append(dst, name...), value, 'g', -1, 64)
}

func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size != 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[start:i]...), "\ufffd"...)
			i++
			start = i
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// AppendText appends a text as JSON does it, in quotes, with U+FFFD in place of bytes that are not UTF-8.
func AppendText(dst []byte, s string) []byte { return appendString(dst, s) }
