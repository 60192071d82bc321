import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import * as bytes from "./tar-bytes.fixture.ts";
import { CONTENT, END, FRAGMENT, JSON_FILE, OBJECT, OBJECT_FILE } from "./tar-bytes.fixture.ts";

/**
 * Dialects of tar, one archive each: what libarchive, Go's archive/tar, Python's tarfile and GNU
 * tar are known to read in different ways. `read` means the export of tar-bytes.fixture.ts, whole.
 */
export interface Dialect {
  readonly name: string;
  readonly archive: Buffer;
  readonly expected: "read" | RegExp;
}

const { file, header, pax, tar } = bytes;
const whole = tar(JSON_FILE, OBJECT_FILE);
const beside = (...members: Buffer[]) => tar(...members, JSON_FILE, OBJECT_FILE);
const long = (flag: "L" | "K", name: string) =>
  file("././@LongLink", `${name}\0`, { flag, magic: "ustar  \0" });

const NAMES: readonly (readonly [string, Buffer, Dialect["expected"]])[] = [
  ["./ before the names", tar(file("./json", FRAGMENT), file(`././/${OBJECT}`, CONTENT)), "read"],
  ["an absolute name", beside(file("/etc/x", "")), /^member "\/etc\/x" has an absolute path/],
  ["a name leading out", beside(file("a/../../x", "")), /leaves the archive/],
  [".. alone", beside(file("..", "")), /leaves the archive/],
  ["an empty name", beside(file("", "")), /has no usable name/],
  ["an empty segment", beside(file("a//b", "")), /has no usable name/],
  ["a dot within", tar(JSON_FILE, file(OBJECT.replace("/", "/./"), CONTENT)), /no usable name/],
  ["a name that is not UTF-8", beside(file(Buffer.from("a\xffb", "latin1"), "")), /not UTF-8/],
  ["a name of UTF-8", beside(file("größe", "")), "read"],
  ["a line end in a name", beside(file("a\nb", "")), /control character/],
  ["json twice", beside(JSON_FILE), /^member "json" comes twice/],
  ["json twice, ./ once", beside(file("./json", FRAGMENT)), /^member "json" comes twice/],
  ["an object twice", beside(OBJECT_FILE), /comes twice/],
  [
    "a directory twice",
    beside(file("objects/", "", { flag: "5" }), file("objects", "", { flag: "5" })),
    "read",
  ],
  ["a beginning of json", beside(file("js", "")), /^member "js" could be taken for json/],
  ["more than json", beside(file("json.old", "")), /could be taken for json/],
  [
    "an object in capitals",
    beside(file(OBJECT.toUpperCase().replace("OBJECTS", "objects"), CONTENT)),
    /is not named by a sha256/,
  ],
  ["an object below an object", beside(file(`${OBJECT}/x`, CONTENT)), /is not named by a sha256/],
  ["a ustar prefix", tar(JSON_FILE, file(OBJECT.slice(8), CONTENT, { prefix: "objects" })), "read"],
  [
    "a ustar prefix of star",
    tar(JSON_FILE, file(OBJECT.slice(8), CONTENT, { prefix: "objects", trailer: "tar\0" })),
    "read",
  ],
  [
    "GNU's times where the prefix would be",
    tar(JSON_FILE, file(OBJECT, CONTENT, { magic: "ustar  \0", prefix: "00000000000\0" })),
    "read",
  ],
];

const TYPES: typeof NAMES = [
  ["type NUL", tar(file("json", FRAGMENT, { flag: "\0" }), OBJECT_FILE), "read"],
  ["a contiguous file", tar(file("json", FRAGMENT, { flag: "7" }), OBJECT_FILE), "read"],
  ["a directory of the old kind", beside(file("objects/", "")), "read"],
  ["a directory with content", beside(file("d/", "x", { flag: "5" })), /is a directory of 1 bytes/],
  [
    "a hard link",
    tar(JSON_FILE, OBJECT_FILE, file("b", "", { flag: "1", link: "json" })),
    /^member "b" is a hard link, not a file/,
  ],
  [
    "a hard link with content",
    tar(JSON_FILE, file(OBJECT, CONTENT, { flag: "1", link: "json" })),
    /is a hard link/,
  ],
  ["a symlink", tar(file("json", "", { flag: "2", link: "/etc/passwd" })), /is a symlink/],
  ["a character device", beside(file("n", "", { flag: "3" })), /is a character device/],
  ["a block device", beside(file("n", "", { flag: "4" })), /is a block device/],
  ["a fifo", beside(file("n", "", { flag: "6" })), /is a fifo/],
  [
    "a sparse file of GNU",
    beside(file("s", "", { flag: "S", magic: "ustar  \0" })),
    /is a sparse file/,
  ],
  [
    "a volume label",
    beside(file("label", "", { flag: "V", magic: "ustar  \0" })),
    /is a volume label/,
  ],
  ["a part of a file", beside(file("m", "", { flag: "M" })), /is a part of a file/],
  ["an unknown type", beside(file("z", "", { flag: "Z" })), /has the unknown type "Z"/],
  [
    "a type that is no letter",
    beside(file("z", "", { flag: "\x7f" })),
    /has the unknown type "\\u007f"/,
  ],
];

const EXTENDED: typeof NAMES = [
  ["a pax header with times", tar(pax("x", ["mtime", "1.5"]), JSON_FILE, OBJECT_FILE), "read"],
  [
    "a path of pax",
    tar(JSON_FILE, pax("x", ["path", OBJECT]), file("objects/cut", CONTENT)),
    "read",
  ],
  [
    "a size of pax",
    tar(JSON_FILE, pax("x", ["size", String(CONTENT.length)]), sized(OBJECT, "00000000000\0")),
    "read",
  ],
  [
    "a size of pax over nonsense",
    tar(JSON_FILE, pax("x", ["size", String(CONTENT.length)]), sized(OBJECT, "nonsense")),
    "read",
  ],
  [
    "a path of pax twice: the last counts",
    tar(JSON_FILE, pax("x", ["path", "no"], ["path", OBJECT]), file("x", CONTENT)),
    "read",
  ],
  [
    "a line end in a value, and a name after it",
    tar(pax("x", ["comment", "a\n30 path=objects/forged\n"]), JSON_FILE, OBJECT_FILE),
    "read",
  ],
  [
    "a line end in a path",
    beside(pax("x", ["path", "a\n17 path=/etc/x"]), file("x", "")),
    /control character/,
  ],
  ["a NUL in a path", beside(pax("x", ["path", "a\0b"]), file("x", "")), /control character/],
  [
    "an empty path of pax",
    beside(pax("x", ["path", ""]), file("x", "")),
    /says path without a value/,
  ],
  ["a size of pax below 0", beside(pax("x", ["size", "-1"]), file("x", "")), /says a size of "-1"/],
  [
    "a record that is too long",
    beside(file("p", "99 path=x\n", { flag: "x" }), file("x", "")),
    /damaged extended header/,
  ],
  [
    "a record without a line end",
    beside(file("p", "9 path=xx", { flag: "x" }), file("x", "")),
    /damaged extended header/,
  ],
  [
    "a record without a length",
    beside(file("p", " path=x\n", { flag: "x" }), file("x", "")),
    /damaged extended header/,
  ],
  [
    "a record without a key",
    beside(file("p", "5 =x\n", { flag: "x" }), file("x", "")),
    /damaged extended header/,
  ],
  [
    "two pax headers",
    beside(pax("x", ["a", "b"]), pax("x", ["c", "d"]), file("x", "")),
    /one extended header too many/,
  ],
  [
    "a pax header at the end",
    tar(JSON_FILE, OBJECT_FILE, pax("x", ["a", "b"])),
    /has no member after it/,
  ],
  [
    "a global header with a comment",
    tar(pax("g", ["comment", "0123abcd"]), JSON_FILE, OBJECT_FILE),
    "read",
  ],
  [
    "global headers between members",
    tar(JSON_FILE, pax("g", ["mtime", "1"]), pax("g", ["a", "b"]), OBJECT_FILE),
    "read",
  ],
  ["a path for all", beside(pax("g", ["path", "json"])), /says path for all members/],
  ["a size for all", beside(pax("g", ["size", "1"])), /says size for all members/],
  [
    "a sparse file of pax 0.0",
    beside(pax("x", ["GNU.sparse.size", "1"]), file("s", "x")),
    /sparse file/,
  ],
  [
    "a sparse file of pax 1.0",
    beside(pax("x", ["GNU.sparse.major", "1"], ["GNU.sparse.name", "json"]), file("s", "x")),
    /sparse file/,
  ],
  ["a long name of GNU", tar(JSON_FILE, long("L", OBJECT), file("objects/cut", CONTENT)), "read"],
  [
    "a long name before a long link",
    beside(long("L", "l"), long("K", "t".repeat(200)), file("x", "", { flag: "2" })),
    /^member "l" is a symlink/,
  ],
  [
    "two long names",
    beside(long("L", "a"), long("L", "b"), file("x", "")),
    /one extended header too many/,
  ],
  [
    "a long name and a path of pax",
    beside(long("L", "a"), pax("x", ["path", "b"]), file("x", "")),
    /gives a second name/,
  ],
  [
    "a path of pax and a long name",
    beside(pax("x", ["path", "b"]), long("L", "a"), file("x", "")),
    /gives a second name/,
  ],
  ["a long name leading out", beside(long("L", "../x"), file("x", "")), /leaves the archive/],
  [
    "a name longer than any path",
    beside(long("L", "a/".repeat(3000)), file("x", "")),
    /has a name of 6000 bytes/,
  ],
];

const NUMBERS: typeof NAMES = [
  ["a size in base 256", tar(JSON_FILE, sized(OBJECT, base256(CONTENT.length))), "read"],
  [
    "a size with spaces",
    tar(JSON_FILE, sized(OBJECT, `${CONTENT.length.toString(8).padStart(11)} `)),
    "read",
  ],
  [
    "a size of twelve digits",
    tar(JSON_FILE, sized(OBJECT, CONTENT.length.toString(8).padStart(12, "0"))),
    "read",
  ],
  ["no size", beside(header({ name: "x", size: Buffer.alloc(12) })), "read"],
  [
    "a negative size in base 256",
    beside(header({ name: "x", size: Buffer.alloc(12, 255) })),
    /has no sane size/,
  ],
  ["a size that is no number", beside(header({ name: "x", size: "12x" })), /has no sane size/],
  [
    "digits after the end of a size",
    beside(header({ name: "x", size: "0\x00001" })),
    /has no sane size/,
  ],
  [
    "more than an object may have",
    beside(header({ name: OBJECT, size: base256(2 ** 50) })),
    /is larger than \d+ bytes/,
  ],
  ["a sum of signed bytes", beside(header({ name: "größe", sum: "signed" })), "read"],
  ["a wrong sum", beside(header({ sum: "wrong" })), /^is not a tar archive/],
  [
    "a wrong sum in the middle",
    tar(JSON_FILE, header({ sum: "wrong" })),
    /^member "json" is followed by what is not a tar header/,
  ],
  [
    "no ustar in it (v7)",
    tar(file("json", FRAGMENT, { magic: "" }), OBJECT_FILE),
    /^is a tar without the magic ustar \(v7\)/,
  ],
];

const ENDS: typeof NAMES = [
  ["one block of zeros", whole.subarray(0, -512), "read"],
  ["no block of zeros", whole.subarray(0, -1024), "read"],
  ["half a block of zeros", whole.subarray(0, -768), "read"],
  ["a record full of zeros", Buffer.concat([whole, Buffer.alloc(10_240)]), "read"],
  ["an end within the padding", whole.subarray(0, -1100), /is truncated/],
  [
    "an end within a header",
    Buffer.concat([JSON_FILE, OBJECT_FILE.subarray(0, 100)]),
    /a truncated header/,
  ],
  ["an end before the object", Buffer.concat([JSON_FILE]), "read"],
  ["nothing but the end", END, /has no member named json/],
  ["nothing", Buffer.alloc(0), /^is empty/],
  ["text", Buffer.from("this is no archive\n".repeat(60)), /^is not a tar archive/],
  ["text shorter than a block", Buffer.from("no archive"), /^is not a tar archive/],
  ["more after the end", Buffer.concat([whole, Buffer.from("x")]), /more after the end/],
  ["two archives", Buffer.concat([whole, tar(file("x", ""))]), /more after the end/],
  [
    "a block of zeros within",
    Buffer.concat([JSON_FILE, Buffer.alloc(512), OBJECT_FILE, END]),
    /more after the end/,
  ],
];

const gzip = gzipSync(whole);
const zstd = zstdCompressSync(whole);
const COMPRESSED: typeof NAMES = [
  ["gzip", gzip, "read"],
  [
    "gzip in two members",
    Buffer.concat([gzipSync(whole.subarray(0, 700)), gzipSync(whole.subarray(700))]),
    "read",
  ],
  ["gzip, cut", gzip.subarray(0, -5), /is damaged \(gzip\): unexpected end of file/],
  ["gzip, cut before its trailer", gzip.subarray(0, -8), /is damaged \(gzip\)/],
  ["gzip with zeros after it", Buffer.concat([gzip, Buffer.alloc(512)]), "read"],
  ["gzip with more after it", Buffer.concat([gzip, Buffer.from("garbage")]), /is damaged \(gzip\)/],
  ["gzip of text", gzipSync("state ".repeat(200)), /^is not a tar archive/],
  ["zstd", zstd, "read"],
  ["zstd, cut", zstd.subarray(0, -5), /is damaged \(zstd\)/],
  [
    "zstd in two frames",
    Buffer.concat([
      zstdCompressSync(whole.subarray(0, 1024)),
      zstdCompressSync(whole.subarray(1024)),
    ]),
    "read",
  ],
  [
    "an empty frame of zstd first",
    Buffer.concat([Buffer.from("502a4d1804000000", "hex"), Buffer.alloc(4), zstd]),
    "read",
  ],
  ["zstd with more after it", Buffer.concat([zstd, Buffer.from("garbage")]), /is damaged \(zstd\)/],
  ["lz4", Buffer.from("04224d18644000", "hex"), /^is compressed with lz4, which is not supported/],
  ["zip", Buffer.from("504b030414000000", "hex"), /^is compressed with zip/],
  ["lzip", Buffer.from("4c5a49500114", "hex"), /^is compressed with lzip/],
  ["compress", Buffer.from("1f9d90", "hex").subarray(0, 3), /^is compressed with compress/],
];

const FOLDER = join(import.meta.dirname, "testdata");
/** Made by bsdtar 3.6.2, Python 3.11's tarfile and busybox 1.35 of the same two files. */
const RECORDED: typeof NAMES = readdirSync(FOLDER)
  .sort()
  .map((name) => [
    name,
    gunzipSync(readFileSync(join(FOLDER, name))),
    name.includes("v7") ? /^is a tar without the magic ustar/ : "read",
  ]);

export const DIALECTS: readonly Dialect[] = [
  ...[...NAMES, ...TYPES, ...EXTENDED, ...NUMBERS, ...ENDS, ...COMPRESSED, ...RECORDED],
].map(([name, archive, expected]) => ({ name, archive, expected }));

function sized(name: string, size: string | Uint8Array): Buffer {
  return file(name, CONTENT, { size });
}

function base256(size: number): Buffer {
  const field = Buffer.alloc(12);
  field[0] = 0x80;
  field.writeBigUInt64BE(BigInt(size), 4);
  return field;
}
