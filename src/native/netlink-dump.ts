import { endianness } from 'node:os'
import { getSystemErrorName } from 'node:util'
import koffi from './koffi.ts'
import { closeDescriptor, errorName, openNetlink } from './libc.ts'

const libc = koffi.load(null)
// send(2), recv(2): POSIX. Both run on threads of the pool, because the kernel walks its tables during these calls.
const send = libc.func('intptr_t send(int fd, const void *bytes, size_t length, int flags)')
const recv = libc.func('intptr_t recv(int fd, void *buffer, size_t length, int flags)')

/** netlink(7). Headers are in host byte order. */
export const NETLINK_SOCK_DIAG = 4
export const NETLINK_NETFILTER = 12
export const LITTLE = endianness() === 'LE'
/** Bytes of a struct nlmsghdr. */
export const MESSAGE_HEADER = 16
const NLM_F_REQUEST = 0x1
const NLM_F_DUMP = 0x300
const NLM_F_DUMP_INTR = 0x10
const NLMSG_ERROR = 2
const NLMSG_DONE = 3
const MSG_DONTWAIT = 0x40
/** The kernel returns at most 32 KiB at a time. */
const PART_BYTES = 65_536
/** The most milliseconds for reading a table. */
export const DUMP_MAX_MS = 5_000

/** A table that the kernel does not return completely. */
export class NetlinkError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NetlinkError'
  }
}

/** Handles one message. Its body is in `view` from `start` to `end`. The bytes are reused afterwards. */
export type TakeMessage = (view: DataView, start: number, end: number) => void

/**
 * Reads a table of the kernel, in parts of at most 32 KiB. Other tasks run between the parts, and the event loop never
 * waits for one. Returns false if the table changed meanwhile, so that entries may be missing.
 *
 * @param type the type of the request
 * @param body the body of the request
 * @throws NetlinkError if there is no such table, it is not permitted, or it takes longer than {@link DUMP_MAX_MS}
 */
export async function dumpTable(protocol: number, type: number, body: Buffer, take: TakeMessage): Promise<boolean> {
  const fd = openNetlink(protocol, 0)
  if (fd < 0) throw new NetlinkError(`no netlink socket: ${errorName()}`)
  try {
    const request = requestOf(type, body)
    const sent = await call((done) => send.async(fd, request, request.length, 0, done))
    if (sent !== request.length) throw new NetlinkError('the kernel does not accept the request')
    const bytes = Buffer.alloc(PART_BYTES)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    const end = performance.now() + DUMP_MAX_MS
    let whole = true
    while (performance.now() < end) {
      const length = await call((done) => recv.async(fd, bytes, bytes.length, MSG_DONTWAIT, done))
      if (length <= 0) throw new NetlinkError('the kernel did not complete its answer')
      const part = takePart(view, length, take)
      whole &&= part.whole
      if (part.last) return whole
    }
    throw new NetlinkError(`no answer within ${DUMP_MAX_MS} ms`)
  } finally {
    closeDescriptor(fd)
  }
}

function requestOf(type: number, body: Buffer): Buffer {
  const bytes = Buffer.alloc(MESSAGE_HEADER + body.length)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setUint32(0, bytes.length, LITTLE)
  view.setUint16(4, type, LITTLE)
  view.setUint16(6, NLM_F_REQUEST | NLM_F_DUMP, LITTLE)
  body.copy(bytes, MESSAGE_HEADER)
  return bytes
}

/** @throws NetlinkError if the kernel reports an error, or a message is malformed */
function takePart(
  view: DataView,
  length: number,
  take: TakeMessage,
): { readonly last: boolean; readonly whole: boolean } {
  let whole = true
  for (let at = 0; at + MESSAGE_HEADER <= length;) {
    const end = at + view.getUint32(at, LITTLE)
    if (end < at + MESSAGE_HEADER || end > length) throw new NetlinkError('the kernel sent an incomplete message')
    const type = view.getUint16(at + 4, LITTLE)
    if ((view.getUint16(at + 6, LITTLE) & NLM_F_DUMP_INTR) !== 0) whole = false
    if (type === NLMSG_DONE || type === NLMSG_ERROR) {
      // Both begin with an error number, which is 0 or less.
      const error = end >= at + MESSAGE_HEADER + 4 ? view.getInt32(at + MESSAGE_HEADER, LITTLE) : 0
      if (error < 0) throw new NetlinkError(`the kernel refuses: ${getSystemErrorName(error)}`)
      return { last: true, whole }
    }
    take(view, at + MESSAGE_HEADER, end)
    at += aligned(end - at)
  }
  return { last: false, whole }
}

/** Rounds up to a multiple of four, the alignment of netlink. */
export function aligned(length: number): number {
  return (length + 3) & ~3
}

async function call(begin: (done: (error: Error | null, result: number | bigint) => void) => void): Promise<number> {
  return await new Promise((resolve, reject) => {
    begin((error, result) => {
      if (error === null) resolve(Number(result))
      else reject(error)
    })
  })
}
