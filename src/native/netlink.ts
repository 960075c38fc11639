import { endianness } from 'node:os'
import { closeDescriptor, errorName, openNetlink, receive } from './libc.ts'
import { watchReadable } from './watch.ts'

/** netlink(7), `<linux/netlink.h>`. */
const NETLINK_ROUTE = 0
const NETLINK_NETFILTER = 12
/** rtnetlink(7): links, IPv4 addresses, IPv6 addresses. */
const LINK_GROUPS = 0x1 | 0x10 | 0x100
/** NFNLGRP_NFTABLES of `<linux/netfilter/nfnetlink.h>` as a bit. */
const NFTABLES_GROUP = 1 << (7 - 1)
/** NFT_MSG_NEWGEN of the subsystem NFNL_SUBSYS_NFTABLES: ends each transaction. */
const NEW_GENERATION = (10 << 8) | 15
/** Of `<linux/netfilter/nf_tables.h>`: which process it was. */
const NFTA_GEN_PROC_PID = 2
/** Bytes of the headers: nlmsghdr, nfgenmsg, nlattr. */
const MESSAGE_HEADER = 16
const FAMILY_HEADER = 4
const ATTRIBUTE_HEADER = 4
/** A message of the kernel is never larger than this (NLMSG_GOODSIZE), unless it dumps. */
const RECEIVE_BYTES = 65_536
/** Messages read at most for one call; more call again. */
const RECEIVE_MAX = 256

/** Something that goes on until it is closed. */
export interface Monitor {
  close(): void
}

/**
 * Calls back whenever a link or an address of this host has changed (Linux).
 *
 * @throws Error if the system has no such socket
 */
export function monitorLinks(onChange: () => void): Monitor {
  // What changed is looked up afresh, so the messages themselves do not matter, nor does one that was lost.
  return monitor(NETLINK_ROUTE, LINK_GROUPS, () => true, onChange)
}

/**
 * Calls back whenever another process has changed the rules of nftables (Linux).
 *
 * @throws Error if the system has no such socket
 */
export function monitorRules(onChange: () => void): Monitor {
  return monitor(NETLINK_NETFILTER, NFTABLES_GROUP, fromOthers, onChange)
}

function monitor(protocol: number, groups: number, matters: (bytes: Buffer) => boolean, onChange: () => void): Monitor {
  const fd = openNetlink(protocol, groups)
  if (fd < 0) throw new Error(`no netlink socket: ${errorName()}`)
  const bytes = Buffer.alloc(RECEIVE_BYTES)
  const poll = watchReadable(fd, () => {
    let changed = false
    for (let count = 0; count < RECEIVE_MAX; count++) {
      const length = receive(fd, bytes)
      if (length === 0) break
      if (length < 0) {
        // Too many at a time for the socket: some are lost, and one of them may have mattered.
        if (errorName() === 'ENOBUFS') changed = true
        break
      }
      if (matters(bytes.subarray(0, length))) changed = true
    }
    if (changed) onChange()
  })
  return {
    close() {
      poll.close()
      closeDescriptor(fd)
    },
  }
}

/** Whether a transaction of a process other than this one ends in these messages. Numbers in it are the network's order. */
function fromOthers(bytes: Buffer): boolean {
  // The headers are in the machine's own order; on the few that begin with the high byte, everything matters.
  if (endianness() === 'BE') return true
  for (let at = 0; at + MESSAGE_HEADER <= bytes.length;) {
    const length = bytes.readUInt32LE(at)
    if (length < MESSAGE_HEADER || at + length > bytes.length) return true
    if (bytes.readUInt16LE(at + 4) === NEW_GENERATION && processOf(bytes.subarray(at, at + length)) !== process.pid) {
      return true
    }
    at += align(length)
  }
  return false
}

function processOf(message: Buffer): number | undefined {
  for (let at = MESSAGE_HEADER + FAMILY_HEADER; at + ATTRIBUTE_HEADER <= message.length;) {
    const length = message.readUInt16LE(at)
    if (length < ATTRIBUTE_HEADER) return undefined
    if (message.readUInt16LE(at + 2) === NFTA_GEN_PROC_PID && at + ATTRIBUTE_HEADER + 4 <= message.length) {
      return message.readUInt32BE(at + ATTRIBUTE_HEADER)
    }
    at += align(length)
  }
  return undefined
}

/** Netlink begins everything at multiples of four bytes. */
function align(length: number): number {
  return (length + 3) & ~3
}
