exports.named = 42; exports.other = "o";
