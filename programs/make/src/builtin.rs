//! What `make` knows without a makefile, as one.

pub const VARIABLES: &str = "\
AR = ar
ARFLAGS = rv
AS = as
CC = cc
CPP = $(CC) -E
CXX = g++
FC = f77
LD = ld
LEX = lex
LINT = lint
MAKEINFO = makeinfo
OBJC = cc
PC = pc
RM = rm -f
TEX = tex
TEXI2DVI = texi2dvi
YACC = yacc
COMPILE.c = $(CC) $(CFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c
COMPILE.cc = $(CXX) $(CXXFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c
COMPILE.C = $(COMPILE.cc)
COMPILE.cpp = $(COMPILE.cc)
COMPILE.f = $(FC) $(FFLAGS) $(TARGET_ARCH) -c
COMPILE.F = $(FC) $(FFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c
COMPILE.m = $(OBJC) $(OBJCFLAGS) $(CPPFLAGS) $(TARGET_ARCH) -c
COMPILE.s = $(AS) $(ASFLAGS) $(TARGET_MACH)
COMPILE.S = $(CC) $(ASFLAGS) $(CPPFLAGS) $(TARGET_MACH) -c
LINK.c = $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_ARCH)
LINK.cc = $(CXX) $(CXXFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_ARCH)
LINK.C = $(LINK.cc)
LINK.cpp = $(LINK.cc)
LINK.f = $(FC) $(FFLAGS) $(LDFLAGS) $(TARGET_ARCH)
LINK.F = $(FC) $(FFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_ARCH)
LINK.m = $(OBJC) $(OBJCFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_ARCH)
LINK.o = $(CC) $(LDFLAGS) $(TARGET_ARCH)
LINK.s = $(CC) $(ASFLAGS) $(LDFLAGS) $(TARGET_MACH)
LINK.S = $(CC) $(ASFLAGS) $(CPPFLAGS) $(LDFLAGS) $(TARGET_MACH)
LEX.l = $(LEX) $(LFLAGS) -t
LINT.c = $(LINT) $(LINTFLAGS) $(CPPFLAGS) $(TARGET_ARCH)
PREPROCESS.S = $(CC) -E $(CPPFLAGS)
YACC.y = $(YACC) $(YFLAGS)
OUTPUT_OPTION = -o $@
";

/// There also without `-R`'s leave.
pub const ALWAYS: &str = "\
@D = $(patsubst %/,%,$(dir $@))
%D = $(patsubst %/,%,$(dir $%))
*D = $(patsubst %/,%,$(dir $*))
<D = $(patsubst %/,%,$(dir $<))
?D = $(patsubst %/,%,$(dir $?))
^D = $(patsubst %/,%,$(dir $^))
+D = $(patsubst %/,%,$(dir $+))
@F = $(notdir $@)
%F = $(notdir $%)
*F = $(notdir $*)
<F = $(notdir $<)
?F = $(notdir $?)
^F = $(notdir $^)
+F = $(notdir $+)
";

pub const SUFFIXES: &str = ".out .a .ln .o .c .cc .C .cpp .p .f .F .m .r .y .l .ym .yl .s .S .mod \
.sym .def .h .info .dvi .tex .texinfo .texi .txinfo .w .ch .web .sh .elc .el";

pub const RULES: &str = "\
%: %.o
	$(LINK.o) $^ $(LOADLIBES) $(LDLIBS) -o $@
%: %.c
	$(LINK.c) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.c
	$(COMPILE.c) $(OUTPUT_OPTION) $<
%: %.cc
	$(LINK.cc) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.cc
	$(COMPILE.cc) $(OUTPUT_OPTION) $<
%: %.C
	$(LINK.C) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.C
	$(COMPILE.C) $(OUTPUT_OPTION) $<
%: %.cpp
	$(LINK.cpp) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.cpp
	$(COMPILE.cpp) $(OUTPUT_OPTION) $<
%: %.f
	$(LINK.f) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.f
	$(COMPILE.f) $(OUTPUT_OPTION) $<
%: %.F
	$(LINK.F) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.F
	$(COMPILE.F) $(OUTPUT_OPTION) $<
%: %.m
	$(LINK.m) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.m
	$(COMPILE.m) $(OUTPUT_OPTION) $<
%.c: %.y
	$(YACC.y) $<
	mv -f y.tab.c $@
%.c: %.l
	@$(RM) $@
	$(LEX.l) $< > $@
%: %.s
	$(LINK.s) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.s
	$(COMPILE.s) -o $@ $<
%: %.S
	$(LINK.S) $^ $(LOADLIBES) $(LDLIBS) -o $@
%.o: %.S
	$(COMPILE.S) -o $@ $<
%.s: %.S
	$(PREPROCESS.S) $< > $@
%.dvi: %.tex
	$(TEX) $<
%: %.sh
	cat $< >$@
	chmod a+x $@
%.out: %
	@rm -f $@
	cp $< $@
";
