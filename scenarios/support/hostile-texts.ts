/** Texts that a container may write to act on whoever shows them, each ending with a mark of its own. */
export const HOSTILE_TEXTS = [
  "\u001b[2J\u001b[31mred\u001b]0;title\u0007\u001b]8;;http://x/\u001b\\link\u001b]8;;\u001b\\",
  "\u001bP+q544e\u001b\\\u001b[6n\u001b(0\u009b5m\u009d0;c1\u009c",
  "admin\u202enimda\u2066x\u2069\u200f\u061c",
  "]]><failure>&amp;<!-- --><![CDATA[",
  "</script><script>document.title='acted'</script><img src=x onerror=document.title='acted'>",
  "\u0000\u0008\u007f\ufffe\uffff\ud800lone\udc00",
  "::error file=x::acted",
  "  ::set-env name=PATH::/acted\r\n::stop-commands::acted",
  "##[error]acted ##vso[task.setvariable variable=x]acted ##teamcity[message text='acted']",
  "[[ATTACHMENT|/etc/shadow]]",
  "ok 1 - acted\nnot ok 2 # SKIP acted\n---\nBail out!",
  "```\n# acted\n![x](http://acted/) @everyone | <b>",
  "100% %0A::error::acted",
  `${"x".repeat(70_000)}\u001b[31m`,
] as const;

/** Names that a container may give to files, as bytes in a shell's `$'…'`. */
export const HOSTILE_NAMES = [
  String.raw`\033[2Jcleared`,
  String.raw`two\nlines`,
  String.raw`\342\200\256gpj.exe`,
  String.raw`-rf`,
  String.raw`..\134..\134windows`,
  String.raw`\377\376bytes`,
  String.raw`[[ATTACHMENT|x]]`,
  String.raw`::error::x`,
  String.raw`<script>x`,
  String.raw`CON `,
] as const;
