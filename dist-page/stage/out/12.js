'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.Packet =
  exports.URG =
  exports.ACK =
  exports.PSH =
  exports.RST =
  exports.SYN =
  exports.FIN =
  exports.UDP =
  exports.TCP =
    void 0
exports.sourceOf = sourceOf
exports.destinationOf = destinationOf
exports.TCP = 6
exports.UDP = 17
exports.FIN = 0x01
exports.SYN = 0x02
exports.RST = 0x04
exports.PSH = 0x08
exports.ACK = 0x10
exports.URG = 0x20
class Packet {
  time = 0
  link = 0
  family = 4
  sourceA = 0
  sourceB = 0
  sourceC = 0
  sourceD = 0
  destinationA = 0
  destinationB = 0
  destinationC = 0
  destinationD = 0
  protocol = exports.TCP
  sourcePort = 0
  port = 0
  flags = 0
  sequence = 0
  acknowledgment = 0
  window = 0
  identification = 0
  length = 0
  payloadStart = 0
  payloadEnd = 0
  checksum = 0
}
exports.Packet = Packet
function sourceOf(packet) {
  const { family, sourceA, sourceB, sourceC, sourceD } = packet
  return { family, a: sourceA, b: sourceB, c: sourceC, d: sourceD }
}
function destinationOf(packet) {
  const { family, destinationA, destinationB, destinationC, destinationD } = packet
  return { family, a: destinationA, b: destinationB, c: destinationC, d: destinationD }
}
