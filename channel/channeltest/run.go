// Package channeltest is the suite that every channel must pass. To test one:
//
//	func TestChannel(t *testing.T) {
//		channeltest.Run(t, func(t testing.TB) channeltest.Net {
//			c := memory.New()
//			return channeltest.Net{
//				Channel: func(testing.TB) channel.Channel { return c },
//				Direct:  true,
//			}
//		})
//	}
//
// Run it with -race. Benchmark measures a channel in the same way.
package channeltest

import (
	"testing"

	"github.com/ben-ng/gaggle/channel"
)

// A Net is a place where nodes of a test can meet, without faults.
type Net struct {
	// Channel returns the channel for one more node. The nodes of one net must find
	// each other. It is called once for each node, when those before are open; it may
	// return the same channel each time. A channel may be opened again when its
	// node is closed.
	Channel func(t testing.TB) channel.Channel
	// Direct says that Send calls the receiver itself. Then there is no queue, and
	// the tests of what happens while a receiver is stuck are left out.
	Direct bool
}

// Run tests a channel. Each test has a new net and closes its nodes. Tests wait for
// what they expect to see, up to 20 seconds, and so take long only if they fail.
func Run(t *testing.T, newNet func(t testing.TB) Net) {
	for _, test := range []struct {
		claim  string
		run    func(*testing.T, Net)
		queues bool // makes sense only if there are queues
	}{
		{claim: "FramesArriveUnchanged", run: framesArriveUnchanged},
		{claim: "FramesStayUnchanged", run: framesStayUnchanged},
		{claim: "BulkFramesStayInOrder", run: bulkFramesStayInOrder},
		{claim: "FramesThatAreTooLargeAreRefused", run: tooLargeIsRefused},
		{claim: "UnknownNodesAreRefused", run: unknownNodesAreRefused},
		{claim: "NodesDoNotSendToThemselves", run: nodesDoNotSendToThemselves},
		{claim: "BroadcastReachesAllOthers", run: broadcastReachesAllOthers},
		{claim: "ClustersDoNotHearEachOther", run: clustersDoNotHearEachOther},
		{claim: "NodesThatComeLateAreFound", run: lateNodesAreFound},
		{claim: "ANodeThatLeavesIsUnknown", run: nodeThatLeavesIsUnknown},
		{claim: "ANewNodeInAnOldPlaceGetsItsOwnFramesOnly", run: newNodeInOldPlace},
		{claim: "AnIDIsAttachedOnce", run: idIsAttachedOnce},
		{claim: "ImpossibleNodesAreRefused", run: impossibleNodesAreRefused},
		{claim: "AClosedPortRefusesFrames", run: closedPortRefusesFrames},
		{claim: "CloseMayBeRepeated", run: closeMayBeRepeated},
		{claim: "CloseEndsDelivery", run: closeEndsDelivery},
		{claim: "CloseWaitsForTheReceiver", run: closeWaitsForReceiver},
		{claim: "CloseLeavesNoGoroutine", run: closeLeavesNoGoroutine},
		{claim: "EverythingMayHappenAtOnce", run: everythingAtOnce},
		{claim: "SendDoesNotWaitForAStuckReceiver", run: sendDoesNotWait, queues: true},
		{claim: "AStuckReceiverDoesNotHoldUpOthers", run: stuckReceiverAlone, queues: true},
		{claim: "UrgentFramesOvertakeBulk", run: urgentOvertakesBulk, queues: true},
	} {
		t.Run(test.claim, func(t *testing.T) {
			net := newNet(t)
			if test.queues && net.Direct {
				t.Skip("this channel has no queues")
			}
			test.run(t, net)
		})
	}
}
