package snapshot

import "errors"

// Scrub reads the content of a snapshot that was listed from an offset on, up to maxBytes of it
// in whole chunks, one at least, and checks it. Next is where to go on, 0 when the end is reached.
// The error is as that of Open, and then there is nothing to go on with.
func (s *Store) Scrub(info Info, from, maxBytes int64) (next int64, err error) {
	r, err := s.Open(info)
	if err != nil {
		return 0, err
	}
	for number := from / chunkSize; number*chunkSize < info.Content && maxBytes > 0 && err == nil; number++ {
		err = r.load(number)
		next = (number + 1) * chunkSize
		maxBytes -= chunkSize
	}
	if err = errors.Join(err, r.Close()); err != nil || next >= info.Content {
		return 0, err
	}
	return next, nil
}
