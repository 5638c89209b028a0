# What jaq's libraries have not, or have otherwise than jq.
def keys: keys_unsorted | sort;
def toarray: if type == "array" then . else [.] end;
def abs: if type == "number" then if . < 0 then - . else . end else error("\(type) (\(tojson)) has no absolute value") end;
def del(f): delpaths([path(f)]);
def to_entries: [keys_unsorted[] as $key | {key: $key, value: .[$key]}];
def from_entries: reduce .[] as $entry ({}; . + {
    ($entry | if .key == null then .k // .name // .Name // .K // .Key else .key end
      | if type == "string" then . else tojson end):
    ($entry | if has("value") then .value elif has("v") then .v else .Value end)});
def with_entries(f): to_entries | map(f) | from_entries;
def walk(f): def w: if type == "object" then map_values(w) elif type == "array" then map(w) else . end | f; w;
def join($separator): reduce .[] as $part (null;
    (if . == null then "" else . + $separator end)
    + ($part | if . == null then "" elif type == "string" then . elif type == "object" or type == "array" then . else tojson end)) // "";
def flatten_to(depth): reduce .[] as $element ([];
    if ($element | type) == "array" and depth != 0 then . + ($element | flatten_to(depth - 1)) else . + [$element] end);
def flatten($depth): if $depth < 0 then error("flatten depth must not be negative") else flatten_to($depth) end;
def flatten: flatten_to(-1);
def repeat(f): def again: ., (f | again); again;
def recurse_down: recurse;
def combinations: if length == 0 then [] else .[0][] as $first | .[1:] | combinations as $rest | [$first] + $rest end;
def combinations($n): . as $dot | [range($n)] | map($dot) | combinations;
def ascii: [.] | implode;
def todate: strftime("%Y-%m-%dT%H:%M:%SZ");
def todateiso8601: todate;
def date: todate;
def dateadd(unit; $n): . + $n;
def datesub(unit; $n): . - $n;
def isvalid(f): try (f | true) catch false;
def gamma: lgamma;
def nearbyint: rint;
def lgamma_r: lgamma;
def get_search_list: [];
def have_literal_numbers: true;
def have_decnum: false;
def input: [limit(1; inputs)] | if length == 0 then error("No more inputs") else .[0] end;
def halt_error($code): (if type == "string" then . else tojson + "\n" end | stderr_empty), halt($code);
def halt_error: halt_error(5);
def ltrimstr($start): if type == "string" and ($start | type) == "string" and startswith($start) then .[($start | length):] else . end;
def rtrimstr($end): if type == "string" and ($end | type) == "string" and endswith($end) then .[:length - ($end | length)] else . end;
def trimstr($both): ltrimstr($both) | rtrimstr($both);
def index($part): indices($part) | .[0];
def rindex($part): indices($part) | .[-1:][0];
def pick(f): . as $dot | reduce path(f) as $path (null; setpath($path; $dot | getpath($path)));
def group_of_names: [.captures[] | select(.name != null) | {(.name): .string}] | add // {};
def match(pattern; flags): found(pattern; flags; false)[];
def match(pattern): match(pattern; null);
def test(pattern; flags): found(pattern; flags; false) | length > 0;
def test(pattern): test(pattern; null);
def capture(pattern; flags): match(pattern; flags) | group_of_names;
def capture(pattern): capture(pattern; null);
def scan(pattern; flags): found(pattern; flags; true)[] | if .captures == [] then .string else [.captures[].string] end;
def scan(pattern): scan(pattern; null);
def split(pattern; flags): [pieces(pattern; flags; true)[] | strings];
def splits(pattern; flags): split(pattern; flags)[];
def splits(pattern): splits(pattern; null);
def replace(pattern; f; flags; $global): reduce pieces(pattern; flags; $global)[] as $part ("";
    . + ($part | if type == "object" then f else . end));
def sub(pattern; f; flags): replace(pattern; f; flags; false);
def sub(pattern; f): sub(pattern; f; null);
def gsub(pattern; f; flags): replace(pattern; f; flags; true);
def gsub(pattern; f): gsub(pattern; f; null);
def @json: tojson;
def @html: tostring | escape_html;
def @base64d: tostring | decode_base64;
def @base32: tostring | encode_base32;
def @base32d: tostring | decode_base32;
def @sh: [if type == "array" then .[] else . end
    | if type == "string" then "'\(escape_sh)'"
      elif type == "array" or type == "object" then error("\(type) (\(tojson)) can not be escaped for shell")
      else tojson end] | join(" ");
def @csv: if type == "array" then map(
    if type == "string" then "\"" + (split("\"") | join("\"\"")) + "\""
    elif . == null then "" elif type == "array" or type == "object" then error("\(type) (\(tojson)) is not valid in a csv row")
    else tojson end) | join(",") else error("\(type) (\(tojson)) cannot be csv-formatted, only an array can be") end;
def @tsv: if type == "array" then map(
    if type == "string" then split("\\") | join("\\\\") | split("\t") | join("\\t") | split("\n") | join("\\n") | split("\r") | join("\\r")
    elif . == null then "" elif type == "array" or type == "object" then error("\(type) (\(tojson)) cannot be tsv-formatted, only an array can be")
    else tojson end) | join("\t") else error("\(type) (\(tojson)) cannot be tsv-formatted, only an array can be") end;
def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] |= $row);
def INDEX(f): INDEX(.[]; f);
def IN(s): any(s == .; .);
def IN(src; s): any(src == s; .);
def leaf_paths: paths(scalars);
def tostream: path(def r: (.[]?|r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): {x: null, e: false} as $init
  | foreach f as $i ($init;
      if .e then $init else . end
      | if $i | length == 2
        then setpath(["e"]; $i[0] | length == 0) | setpath(["x"] + $i[0]; $i[1])
        else setpath(["e"]; $i[0] | length == 1) end;
      if .e then .x else empty end);
def truncate_stream(stream): . as $n | null | stream | . as $input
  | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;
def in(xs): . as $key | xs | has($key);
def inside(xs): . as $part | xs | contains($part);
def transpose: [range([.[] | length] | max // 0) as $at | [.[][$at]]];
def toboolean: if type == "boolean" then . elif . == "true" then true elif . == "false" then false
  else error("\(type) (\(tojson)) cannot be parsed as a boolean") end;
