import { sendToUnixSocket } from '../native/libc.ts'

/** Tells the service manager how things stand (sd_notify(3)); does nothing where none asked. */
export function notify(state: string): void {
  const { NOTIFY_SOCKET } = process.env
  if (NOTIFY_SOCKET !== undefined && NOTIFY_SOCKET !== '') sendToUnixSocket(NOTIFY_SOCKET, state)
}
