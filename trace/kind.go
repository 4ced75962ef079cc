package trace

// The kinds of records.
const (
	kindStart = 1 + iota
	kindEvent
	kindUpdate
)

// sameState is added to the kind of a record without a state.
const sameState = 0x80

// The numbers of events.
const (
	eventTick = 1 + iota
	eventReceive
	eventPropose
	eventPersisted
	eventApplied
	eventRead
	eventChangeConfiguration
	eventTransferLeadership
	eventRetire
	eventUnreachable
	eventSnapshotTaken
	eventSnapshotSent
	eventSnapshotFetched
	eventLoaded
	eventUnload
	eventRepaired
)
