/** Lengths of the two kinds of headers, in bytes. */
const FILE_HEADER_BYTES = 24
const RECORD_HEADER_BYTES = 16

/** Returns the header of a capture file: little endian, microseconds, Ethernet (pcap-savefile(5)). */
export function savefileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(262_144, 16)
  header.writeUInt32LE(1, 20)
  return header
}

/** Returns a frame as a record of a capture file, of the time 0. */
export function savefileRecord(frame: Uint8Array): Buffer {
  const head = Buffer.alloc(RECORD_HEADER_BYTES)
  head.writeUInt32LE(frame.length, 8)
  head.writeUInt32LE(frame.length, 12)
  return Buffer.concat([head, frame])
}
