def @csv: if type == "array" then map(
    if type == "string" then "\"" + gsub("\""; "\"\"") + "\""
    elif . == null then "" elif type == "array" or type == "object" then error("\(type) is not valid in a csv row")
    else tojson end) | join(",") else error("\(type) cannot be csv-formatted, only an array can be") end;
def @tsv: if type == "array" then map(
    if type == "string" then gsub("\\\\"; "\\\\") | gsub("\t"; "\\t") | gsub("\n"; "\\n") | gsub("\r"; "\\r")
    elif . == null then "" elif type == "array" or type == "object" then error("\(type) is not valid in a tsv row")
    else tojson end) | join("\t") else error("\(type) cannot be tsv-formatted, only an array can be") end;
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
def input_filename: null;
def input_line_number: 0;
