import { closeDescriptor, errorName, growReceiveBuffer, openNetlink, receive } from './libc.ts'
import { ownNetlinkPorts } from './netlink-ports.ts'
import { RuleNews } from './rule-news.ts'
import type { TableState } from './rule-news.ts'
import { watchReadable } from './watch.ts'

/** netlink(7), `<linux/netlink.h>`. */
const NETLINK_ROUTE = 0
const NETLINK_NETFILTER = 12
/** rtnetlink(7): links, IPv4 addresses, IPv6 addresses. */
const LINK_GROUPS = 0x1 | 0x10 | 0x100
/** NFNLGRP_NFTABLES of `<linux/netfilter/nfnetlink.h>` as a bit. */
const NFTABLES_GROUP = 1 << (7 - 1)
/** The largest message of the kernel (NLMSG_GOODSIZE), except in a dump. */
const RECEIVE_BYTES = 65_536
/** The most messages read at a time. The event loop calls again for more. */
const RECEIVE_MAX = 16_384
/** Bytes of notifications that may wait. A ruleset of many thousand elements can be flushed at once. */
const NEWS_MAX_BYTES = 8 * 1_048_576

/** A running watch that can be closed. */
export interface Monitor {
  close(): void
}

/**
 * Calls back when a link or an address of this host has changed (Linux).
 *
 * @throws Error if the system has no such socket
 */
export function monitorLinks(onChange: () => void): Monitor {
  // The new state is always read again. So the content of the messages does not matter, nor does a lost one.
  return monitor(NETLINK_ROUTE, LINK_GROUPS, { take: () => undefined, lost: () => undefined, read: onChange })
}

/**
 * Calls back when any process may have changed rules of this host (Linux).
 *
 * @throws Error if the system has no such socket
 */
export function monitorRules(onChange: () => void): Monitor {
  return monitor(NETLINK_NETFILTER, NFTABLES_GROUP, { take: () => undefined, lost: () => undefined, read: onChange })
}

/** A watch on a table of nftables. */
export interface TableMonitor extends Monitor {
  /**
   * Returns the state of the table by all notifications received so far. `onChange` is not called for those that are read
   * here.
   */
  look(): TableState
  /** Changes of the table by other processes, by the notifications read so far. */
  readonly changes: number
  /** Records that the table was checked and is correct. */
  seenIntact(): void
}

/**
 * Calls back when another process may have changed a table of the family inet (Linux). Changes by this process do not
 * count. When this process installs the whole table, the recorded state is reset.
 *
 * @throws Error if the system has no such socket
 */
export function monitorTable(table: string, onChange: () => void): TableMonitor {
  let own: ReadonlySet<number> | undefined
  const news = new RuleNews(table, (port) => {
    // libnftables may have opened another socket since then.
    if (own?.has(port) !== true) own = ownNetlinkPorts(NETLINK_NETFILTER)
    return own?.has(port)
  })
  const { look, ...rest } = monitor(NETLINK_NETFILTER, NFTABLES_GROUP, {
    take: (bytes) => news.read(bytes),
    lost: () => news.lost(),
    read: () => {
      if (news.state !== 'intact') onChange()
    },
  })
  return {
    ...rest,
    look: () => {
      look()
      return news.state
    },
    get changes() {
      return news.changes
    },
    seenIntact: () => news.seenIntact(),
  }
}

/** The handlers of a watch. */
interface Reader {
  take(bytes: Buffer): void
  /** Called when notifications were lost because too many came at once. */
  lost(): void
  /** Called from the event loop after notifications were read. */
  read(): void
}

function monitor(protocol: number, groups: number, reader: Reader): Monitor & { readonly look: () => boolean } {
  const fd = openNetlink(protocol, groups)
  if (fd < 0) throw new Error(`no netlink socket: ${errorName()}`)
  growReceiveBuffer(fd, NEWS_MAX_BYTES)
  const bytes = Buffer.alloc(RECEIVE_BYTES)
  const look = (): boolean => {
    for (let count = 0; count < RECEIVE_MAX; count++) {
      const length = receive(fd, bytes)
      if (length > 0) reader.take(bytes.subarray(0, length))
      // A lost notification may have been important.
      else if (length < 0 && errorName() === 'ENOBUFS') reader.lost()
      else return count > 0
    }
    reader.lost()
    return true
  }
  const poll = watchReadable(fd, () => {
    if (look()) reader.read()
  })
  return {
    look,
    close() {
      poll.close()
      closeDescriptor(fd)
    },
  }
}
