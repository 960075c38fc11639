import koffi from 'koffi'

/** In the process already. */
const libc = koffi.load(null)

// sendmsg(2), cmsg(3): POSIX.1-2008, laid out as Linux has it. All of it stays the caller's.
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

/** As Linux numbers them (asm-generic/socket.h, linux/socket.h). */
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const DESCRIPTOR_BYTES = 4

/**
 * Sends a copy of an open descriptor over a socket of the file system's family, with one byte as unix(7) wants it. `false`:
 * `errorName()` of libc.ts says why not. Linux alone.
 */
export function passDescriptor(over: number, fd: number): boolean {
  const byte = Buffer.alloc(1)
  const control = Buffer.alloc(HEADER_BYTES + DESCRIPTOR_BYTES)
  const numbers = new DataView(control.buffer, control.byteOffset, control.length)
  const little = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  // Of a length as small as this only the low half has anything to say.
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
