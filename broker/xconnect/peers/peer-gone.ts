/** The process that a peer was pinned to has ended. */
export class PeerGone extends Error {
  override readonly name = "PeerGone";
}
