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
/** A message of the kernel is never larger than this (NLMSG_GOODSIZE), unless it dumps. */
const RECEIVE_BYTES = 65_536
/** Messages read at most at a time; more call again. */
const RECEIVE_MAX = 16_384
/** Bytes of news that may wait: a ruleset of many thousand elements is flushed at once. */
const NEWS_MAX_BYTES = 8 * 1_048_576

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
  return monitor(NETLINK_ROUTE, LINK_GROUPS, { take: () => undefined, lost: () => undefined, read: onChange })
}

/**
 * Calls back whenever any rules of this host may have changed (Linux), by whatever process.
 *
 * @throws Error if the system has no such socket
 */
export function monitorRules(onChange: () => void): Monitor {
  return monitor(NETLINK_NETFILTER, NFTABLES_GROUP, { take: () => undefined, lost: () => undefined, read: onChange })
}

/** Watches a table of nftables. */
export interface TableMonitor extends Monitor {
  /** What is known of the table once all news are read that have come by now. */
  look(): TableState
  /** Notes that the table was looked at and is as it should be. */
  seenIntact(): void
}

/**
 * Calls back whenever another process may have changed a table of the family inet (Linux). What this process changes is
 * no news; that it puts the table in as a whole ends what was known before.
 *
 * @throws Error if the system has no such socket
 */
export function monitorTable(table: string, onChange: () => void): TableMonitor {
  let own: ReadonlySet<number> | undefined
  const news = new RuleNews(table, (port) => {
    // libnftables opens another socket when it has to begin anew.
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
    seenIntact: () => news.seenIntact(),
  }
}

/** What is done with what comes. */
interface Reader {
  take(bytes: Buffer): void
  /** Too much came at a time: some of it is lost. */
  lost(): void
  /** Called back from the event loop when something came. */
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
      // One that was lost may have mattered.
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
