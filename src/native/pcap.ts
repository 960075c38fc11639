import { markCloseOnExec } from './close-on-exec.ts'
import { MemoryStream } from './libc.ts'
import type { Pointer } from './libc.ts'
import { packetSocketChange, readPacketSocket } from './packet-socket.ts'
import type { PacketSocketState } from './packet-socket.ts'
import { watchReadable } from './watch.ts'
import type { Watched } from './watch.ts'
import { loadLibrary } from './library.ts'

/** pcap(3PCAP): the results of pcap_activate that are handled separately. */
const PCAP_ERROR_NO_SUCH_DEVICE = -5
const PCAP_ERROR_PERM_DENIED = -8
const PCAP_ERROR_IFACE_NOT_UP = -9
const ERRBUF_BYTES = 256
const DIRECTION_IN = 1
/** Linux cooked v2, which names the interface. The default for `any` is v1. */
const DLT_LINUX_SLL2 = 276
/** Bytes of a record's header: seconds, microseconds, captured and original length, four bytes each. */
const RECORD_BYTES = 16
/** Memory that a batch of packets is copied to. */
const BATCH_BYTES = 262_144

/** The reason why a capture could not be opened, or has ended. */
export type CaptureReason = 'absent' | 'down' | 'permission' | 'filter' | 'other'

/** A capture that cannot be opened, or has ended. */
export class CaptureError extends Error {
  readonly reason: CaptureReason

  constructor(message: string, reason: CaptureReason) {
    super(message)
    this.name = 'CaptureError'
    this.reason = reason
  }
}

/** Handles one packet: `bytes[start, end)`, its length on the wire, and its time of capture in ms since 1970. */
export type TakeFrame = (bytes: Uint8Array, start: number, end: number, wireLength: number, time: number) => void

/** The counters of a capture since it was opened. */
export interface CaptureCounts {
  readonly received: number
  readonly dropped: number
}

type Functions = ReturnType<typeof bindFunctions>
let functions: Functions | undefined

// pcap(3PCAP), libpcap 1.5 and later. The caller owns the handle and closes it. A dump file belongs to the code that
// opened it.
function bindFunctions() {
  const pcap = loadLibrary(
    'libpcap',
    ['libpcap.so.0.8', 'libpcap.so.1', 'libpcap.so', 'libpcap.A.dylib', 'libpcap.dylib'],
    'on Debian: apt-get install libpcap0.8',
  )
  return {
    create: pcap.func('void *pcap_create(const char *device, _Out_ char *errbuf)'),
    setSnaplen: pcap.func('int pcap_set_snaplen(void *handle, int bytes)'),
    setImmediate: pcap.func('int pcap_set_immediate_mode(void *handle, int on)'),
    setBuffer: pcap.func('int pcap_set_buffer_size(void *handle, int bytes)'),
    activate: pcap.func('int pcap_activate(void *handle)'),
    close: pcap.func('void pcap_close(void *handle)'),
    error: pcap.func('const char *pcap_geterr(void *handle)'),
    statusText: pcap.func('const char *pcap_statustostr(int status)'),
    setNonblock: pcap.func('int pcap_setnonblock(void *handle, int on, _Out_ char *errbuf)'),
    setDirection: pcap.func('int pcap_setdirection(void *handle, int direction)'),
    setLinkType: pcap.func('int pcap_set_datalink(void *handle, int linkType)'),
    linkType: pcap.func('int pcap_datalink(void *handle)'),
    descriptor: pcap.func('int pcap_get_selectable_fd(void *handle)'),
    compile: pcap.func('int pcap_compile(void *handle, void *program, const char *text, int optimize, uint32_t mask)'),
    setFilter: pcap.func('int pcap_setfilter(void *handle, void *program)'),
    freeCode: pcap.func('void pcap_freecode(void *program)'),
    openDump: pcap.func('void *pcap_dump_fopen(void *handle, void *stream)'),
    closeDump: pcap.func('void pcap_dump_close(void *dump)'),
    dispatch: pcap.func('int pcap_dispatch(void *handle, int count, void *callback, void *user)'),
    stats: pcap.func('int pcap_stats(void *handle, void *counts)'),
    /** The library's own function is the callback, so that a whole batch needs only one call. */
    dump: pcap.symbol('pcap_dump') as Pointer,
  }
}

/** Loads libpcap. @throws MissingLibraryError if it is not installed */
export function loadPcap(): void {
  functions ??= bindFunctions()
}

/** A live capture on one interface. */
export class LiveCapture {
  readonly linkType: number
  readonly #pcap: Functions
  readonly #handle: Pointer
  readonly #memory: MemoryStream
  readonly #view: DataView
  readonly #dump: Pointer
  /** The most packets of a batch. After a full batch, more packets may wait. */
  readonly batchMax: number
  /** The state of the socket after its filter was last set; `undefined` if the system does not tell. */
  #left: PacketSocketState | undefined
  #closed = false

  /**
   * @param snaplen captured bytes of each packet
   * @param bufferBytes kernel memory for waiting packets
   * @throws CaptureError with the reason
   */
  constructor(device: string, snaplen: number, bufferBytes: number) {
    loadPcap()
    const pcap = functions!
    this.#pcap = pcap
    const errbuf = Buffer.alloc(ERRBUF_BYTES)
    const handle: Pointer | null = pcap.create(device, errbuf)
    if (handle === null) throw new CaptureError(`${device}: ${errorText(errbuf)}`, 'other')
    this.#handle = handle
    try {
      this.#activate(device, snaplen, bufferBytes)
      // libpcap opens its packet socket and its eventfd without close-on-exec.
      markCloseOnExec()
      if (device === 'any') pcap.setLinkType(handle, DLT_LINUX_SLL2)
      // If packets cannot be selected by direction, their destination still distinguishes them.
      pcap.setDirection(handle, DIRECTION_IN)
      if (pcap.setNonblock(handle, 1, errbuf) !== 0) throw new CaptureError(`${device}: ${errorText(errbuf)}`, 'other')
      this.linkType = pcap.linkType(handle)
      this.#memory = new MemoryStream(BATCH_BYTES)
      this.#view = new DataView(this.#memory.bytes.buffer)
      this.#dump = pcap.openDump(handle, this.#memory.stream)
      this.#memory.take()
      this.batchMax = Math.floor((BATCH_BYTES - 1) / (RECORD_BYTES + snaplen))
    } catch (error) {
      pcap.close(handle)
      throw error
    }
  }

  /** Accepts only packets that match the expression (pcap-filter(7)). @throws CaptureError if the filter is refused */
  setFilter(expression: string): void {
    // struct bpf_program: a count, padding, a pointer.
    const program = Buffer.alloc(16)
    if (this.#pcap.compile(this.#handle, program, expression, 1, 0xffffffff) !== 0) {
      throw new CaptureError(`filter: ${this.#pcap.error(this.#handle)}`, 'filter')
    }
    const result: number = this.#pcap.setFilter(this.#handle, program)
    this.#pcap.freeCode(program)
    if (result !== 0) throw new CaptureError(`filter: ${this.#pcap.error(this.#handle)}`, 'filter')
    try {
      this.#left = readPacketSocket(this.#descriptor)
    } catch {
      // The kernel does not tell the state, so a change would not be noticed.
      this.#left = undefined
    }
  }

  /**
   * Returns the reason why the capture receives other packets than its filter accepts: another program has changed its
   * socket. Returns `undefined` if nothing was changed, or if the system does not tell.
   */
  get tamperedWith(): string | undefined {
    if (this.#closed || this.#left === undefined) return undefined
    try {
      const now = readPacketSocket(this.#descriptor)
      return now === undefined ? undefined : packetSocketChange(this.#left, now)
    } catch (error) {
      return (error as Error).message
    }
  }

  get #descriptor(): number {
    return this.#pcap.descriptor(this.#handle)
  }

  /** Calls back while packets wait. */
  watch(onPackets: () => void): Watched {
    return watchReadable(this.#descriptor, onPackets)
  }

  /**
   * Handles the waiting packets, up to {@link batchMax}, and returns their number.
   *
   * @throws CaptureError if the interface is down or gone
   */
  take(each: TakeFrame): number {
    if (this.#closed) return 0
    const count: number = this.#pcap.dispatch(this.#handle, this.batchMax, this.#pcap.dump, this.#dump)
    if (count < 0) throw new CaptureError(this.#pcap.error(this.#handle), 'down')
    if (count === 0) return 0
    const length = this.#memory.take()
    const view = this.#view
    const { bytes } = this.#memory
    for (let at = 0; at + RECORD_BYTES <= length;) {
      const time = view.getUint32(at, true) * 1000 + view.getUint32(at + 4, true) / 1000
      const captured = view.getUint32(at + 8, true)
      const start = at + RECORD_BYTES
      at = start + captured
      each(bytes, start, at, view.getUint32(start - 4, true), time)
    }
    return count
  }

  counts(): CaptureCounts {
    // struct pcap_stat: received, dropped by the buffer, dropped by the interface.
    const counts = Buffer.alloc(24)
    if (this.#closed || this.#pcap.stats(this.#handle, counts) !== 0) return { received: 0, dropped: 0 }
    return { received: counts.readUInt32LE(0), dropped: counts.readUInt32LE(4) }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#pcap.closeDump(this.#dump)
    this.#pcap.close(this.#handle)
  }

  #activate(device: string, snaplen: number, bufferBytes: number): void {
    const pcap = this.#pcap
    const handle = this.#handle
    pcap.setSnaplen(handle, snaplen)
    pcap.setImmediate(handle, 1)
    pcap.setBuffer(handle, bufferBytes)
    const status: number = pcap.activate(handle)
    if (status >= 0) return
    const detail: string = pcap.error(handle) || pcap.statusText(status)
    if (status === PCAP_ERROR_PERM_DENIED) {
      const hint = 'run knockd as root, or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN'
      throw new CaptureError(`${device}: cannot capture: permission denied\n  ${hint}`, 'permission')
    }
    if (status === PCAP_ERROR_NO_SUCH_DEVICE) throw new CaptureError(`${device}: no such interface`, 'absent')
    if (status === PCAP_ERROR_IFACE_NOT_UP) throw new CaptureError(`${device}: is down`, 'down')
    throw new CaptureError(`${device}: ${detail}`, 'other')
  }
}

function errorText(errbuf: Buffer): string {
  const end = errbuf.indexOf(0)
  return errbuf.toString('utf8', 0, end < 0 ? errbuf.length : end)
}
