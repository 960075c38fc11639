'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.toBig =
  exports.shrSL =
  exports.shrSH =
  exports.rotrSL =
  exports.rotrSH =
  exports.rotrBL =
  exports.rotrBH =
  exports.rotr32L =
  exports.rotr32H =
  exports.fromNumL =
  exports.fromNumH =
  exports.add5L =
  exports.add5H =
  exports.add4L =
  exports.add4H =
  exports.add3L =
  exports.add3H =
    void 0
exports.add = add
exports.fromBig = fromBig
exports.setU64FromNum = setU64FromNum
exports.split = split
const U32_MASK64 = (() => BigInt(2 ** 32 - 1))()
const _32n = BigInt(32)
function fromBig(n, le = false) {
  if (le) return { h: Number(n & U32_MASK64), l: Number((n >> _32n) & U32_MASK64) }
  return { h: Number((n >> _32n) & U32_MASK64) | 0, l: Number(n & U32_MASK64) | 0 }
}
function split(lst, le = false) {
  const len = lst.length
  let Ah = new Uint32Array(len)
  let Al = new Uint32Array(len)
  for (let i = 0; i < len; i++) {
    const { h, l } = fromBig(lst[i], le)
    ;[Ah[i], Al[i]] = [h, l]
  }
  return [Ah, Al]
}
const toBig = (h, l) => (BigInt(h >>> 0) << _32n) | BigInt(l >>> 0)
exports.toBig = toBig
const fromNumH = (n) => (n / 2 ** 32) | 0
exports.fromNumH = fromNumH
const fromNumL = (n) => n >>> 0
exports.fromNumL = fromNumL
function setU64FromNum(view, byteOffset, n, isLE) {
  const h = fromNumH(n)
  const l = fromNumL(n)
  view.setUint32(byteOffset, isLE ? l : h, isLE)
  view.setUint32(byteOffset + 4, isLE ? h : l, isLE)
}
const shrSH = (h, _l, s) => h >>> s
exports.shrSH = shrSH
const shrSL = (h, l, s) => (h << (32 - s)) | (l >>> s)
exports.shrSL = shrSL
const rotrSH = (h, l, s) => (h >>> s) | (l << (32 - s))
exports.rotrSH = rotrSH
const rotrSL = (h, l, s) => (h << (32 - s)) | (l >>> s)
exports.rotrSL = rotrSL
const rotrBH = (h, l, s) => (h << (64 - s)) | (l >>> (s - 32))
exports.rotrBH = rotrBH
const rotrBL = (h, l, s) => (h >>> (s - 32)) | (l << (64 - s))
exports.rotrBL = rotrBL
const rotr32H = (_h, l) => l
exports.rotr32H = rotr32H
const rotr32L = (h, _l) => h
exports.rotr32L = rotr32L
function add(Ah, Al, Bh, Bl) {
  const l = (Al >>> 0) + (Bl >>> 0)
  return { h: (Ah + Bh + ((l / 2 ** 32) | 0)) | 0, l: l | 0 }
}
const add3L = (Al, Bl, Cl) => (Al >>> 0) + (Bl >>> 0) + (Cl >>> 0)
exports.add3L = add3L
const add3H = (low, Ah, Bh, Ch) => (Ah + Bh + Ch + ((low / 2 ** 32) | 0)) | 0
exports.add3H = add3H
const add4L = (Al, Bl, Cl, Dl) => (Al >>> 0) + (Bl >>> 0) + (Cl >>> 0) + (Dl >>> 0)
exports.add4L = add4L
const add4H = (low, Ah, Bh, Ch, Dh) => (Ah + Bh + Ch + Dh + ((low / 2 ** 32) | 0)) | 0
exports.add4H = add4H
const add5L = (Al, Bl, Cl, Dl, El) => (Al >>> 0) + (Bl >>> 0) + (Cl >>> 0) + (Dl >>> 0) + (El >>> 0)
exports.add5L = add5L
const add5H = (low, Ah, Bh, Ch, Dh, Eh) => (Ah + Bh + Ch + Dh + Eh + ((low / 2 ** 32) | 0)) | 0
exports.add5H = add5H
