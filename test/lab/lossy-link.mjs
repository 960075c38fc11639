// A link that loses and delays packets, between two network namespaces: `node lossy-link.mjs NS1 NS2 DEVICE LOSS DELAY JITTER`.
// LOSS is a share, DELAY and JITTER are milliseconds: a packet takes DELAY more or less JITTER, so that packets overtake each
// other. It stands in for tc-netem(8), which not every kernel has. Prints `up` when both devices are, and goes on until killed.
import { closeSync, openSync } from 'node:fs'
import koffi from 'koffi'

/** `<sched.h>`, `<fcntl.h>`, `<linux/if_tun.h>`. */
const CLONE_NEWNET = 0x40000000
const O_RDWR = 2
const TUNSETIFF = 0x400454ca
const IFF_TUN_NO_PI = 0x1001
const IFREQ_BYTES = 40
const FLAGS_OFFSET = 16
const PACKET_MAX_BYTES = 2_048

const libc = koffi.load('libc.so.6')
const setns = libc.func('int setns(int fd, int kind)')
const open = libc.func('int open(const char *path, int flags)')
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)')
const read = libc.func('long read(int fd, _Out_ void *buffer, unsigned long size)')
const write = libc.func('long write(int fd, const void *buffer, unsigned long size)')

const [one, other, device, loss, delay, jitter] = process.argv.slice(2)

function tunIn(namespace) {
  const fd = openSync(`/run/netns/${namespace}`, 'r')
  if (setns(fd, CLONE_NEWNET) !== 0) throw new Error(`setns ${namespace}`)
  closeSync(fd)
  const request = Buffer.alloc(IFREQ_BYTES)
  request.write(device, 0, 'latin1')
  request.writeUInt16LE(IFF_TUN_NO_PI, FLAGS_OFFSET)
  const tun = open('/dev/net/tun', O_RDWR)
  if (tun < 0 || ioctl(tun, TUNSETIFF, request) !== 0) throw new Error(`no ${device} in ${namespace}`)
  return tun
}

function carry(from, to) {
  const buffer = Buffer.alloc(PACKET_MAX_BYTES)
  read.async(from, buffer, buffer.length, (error, length) => {
    if (error !== null || length <= 0) process.exit(1)
    if (Math.random() >= Number(loss)) {
      const packet = Buffer.from(buffer.subarray(0, length))
      const ms = Number(delay) + (2 * Math.random() - 1) * Number(jitter)
      setTimeout(() => write(to, packet, packet.length), Math.max(0, ms))
    }
    carry(from, to)
  })
}

const tuns = [tunIn(one), tunIn(other)]
carry(tuns[0], tuns[1])
carry(tuns[1], tuns[0])
console.log('up')
