import koffi from './koffi.ts'

/** The process already has libc's functions. */
const libc = koffi.load(null)

// sendmsg(2), cmsg(3): POSIX.1-2008, in Linux's layout. The caller owns all memory.
koffi.struct('iovec', { base: 'void *', length: 'size_t' })
koffi.struct('msghdr', {
  name: 'void *',
  nameLength: 'uint32_t',
  iov: 'iovec *',
  iovLength: 'size_t',
  control: 'void *',
  controlLength: 'size_t',
  flags: 'int',
})
const HEADER_BYTES = koffi.sizeof(koffi.struct('cmsghdr', { length: 'size_t', level: 'int', type: 'int' }))
const LENGTH_BYTES = koffi.sizeof('size_t')
const sendmsg = libc.func('intptr_t sendmsg(int fd, const msghdr *message, int flags)')

/** Linux's numbers (asm-generic/socket.h, linux/socket.h). */
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const DESCRIPTOR_BYTES = 4

/**
 * Sends a copy of an open descriptor over a Unix socket, with one byte as unix(7) requires (Linux only). Returns false
 * on failure; `errorName()` of libc.ts has the reason.
 */
export function passDescriptor(over: number, fd: number): boolean {
  const byte = Buffer.alloc(1)
  const control = Buffer.alloc(HEADER_BYTES + DESCRIPTOR_BYTES)
  const numbers = new DataView(control.buffer, control.byteOffset, control.length)
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  // The length is small, so only the low half is written.
  numbers.setUint32(little ? 0 : LENGTH_BYTES - 4, control.length, little)
  numbers.setInt32(LENGTH_BYTES, SOL_SOCKET, little)
  numbers.setInt32(LENGTH_BYTES + 4, SCM_RIGHTS, little)
  numbers.setInt32(HEADER_BYTES, fd, little)
  const message = {
    name: null,
    nameLength: 0,
    iov: [{ base: byte, length: byte.length }],
    iovLength: 1,
    control,
    controlLength: control.length,
    flags: 0,
  }
  return sendmsg(over, message, 0) === byte.length
}
