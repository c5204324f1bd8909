#include "client-lib/cli/times/time_forms.hpp"

#include <algorithm>
#include <array>

namespace stele::cli {
namespace {

constexpr std::array known_forms{
    TimeForm{"rfc5424", R"(<(?<priority>\d{1,3})>1 %i )"},
    // W3C extended log files of IIS: no zone is written, and it is UTC.
    TimeForm{"iis", R"(%F %T (?:W3SVC\d+ )?(?:\S+ )?[\da-fA-F.:]+ [A-Z]+ /\S* \S+ \d+ )", true},
    // Its times are in UTC, too, if a header says so: see has_w3c_header().
    TimeForm{w3c_form, R"(%i)", true, true},
    TimeForm{
        "db2",
        R"(%F-%H\.%M\.(?<S>\d\d)\.(?<f>\d{1,9})(?<east>[+-]\d{3})(?:.*?\bLEVEL: (?<level>\w+))?)",
        true},
    TimeForm{
        "level-first",
        R"((?!Log )(?|[\[\(]?(?:level=)?%w[\]\)]?|\[?(?<level>[DIWEF])),?:?\s+(?:\S+\s+){0,3}?)"
        R"((?:(?:time|ts)=)?["\[\(]?%i)"},
    // The number is syslog's priority.
    TimeForm{"esxi", R"(%i [A-Z][a-z]\((?<priority>\d{1,3})\) )"},
    TimeForm{"iso", R"((?:<(?<priority>\d{1,3})>)?(?:\w+=(?:"[^"]*"|\S*) ){0,4}?)"
                    R"((?:(?:time|ts|timestamp|date|at|t)=)?["'\[\(]{0,2}%i(?:%L)?)"},
    TimeForm{"fortinet",
             R"((?:<(?<priority>\d{1,3})>)?date=%F[ ,]+time=%T%f)"
             R"((?:(?=.*?\btz="?(?<z>[+-]\d\d:?\d\d))|)(?:.*?\blevel="?(?<level>\w+))?)"},
    TimeForm{"labelled", R"([\s#*]*[A-Za-z][A-Za-z -]{1,20}: +%i)"},
    // A word of two letters may be the name of a host.
    TimeForm{syslog_with_year, R"((?:<(?<priority>\d{1,3})>)?%b +%d %T%f(?: (?<p>[AP])M(?= ))?)"
                               R"((?=(?: [A-Z]{3,5})? (?<Y>(?:19|20)\d\d)(?:\s|: |$)))"
                               R"((?: \d{4}(?=\s|: |$))?(?: ?%z)?)"},
    TimeForm{"syslog", R"((?:<(?<priority>\d{1,3})>)?%b +%d %T%f(?: (?<p>[AP])M(?= ))?(?: ?%z)?)"
                       R"((?:(?: [\w.:-]+)?%G)?)"},
    TimeForm{"cisco", R"((?:<(?<priority>\d{1,3})>)?[*.]?%b +%d %Y %C(?: ?%z)?)"},
    TimeForm{"month-day-year", R"(%b +%d %y %C(?: ?%z)?(?:%L)?)"},
    TimeForm{"slash", R"(\[?%Y/%m/%d %C(?: ?%z)?(?:%L)?)"},
    TimeForm{"short-slash", R"(%y/%m/%d %C %w\b)"},
    TimeForm{"apache", R"(\[%a %b +%d %C %Y\] \[(?:[^\]:]*:)?(?<level>[a-z]+)\d?\])"},
    TimeForm{"ctime", R"([\[*]{0,3}%a %b +%d %C %Y(?: ?%z)?(?|%G| : (?<level>(?i:%u)): )?)"},
    TimeForm{"date", R"(%a %b +%d %C ?%z %Y)"},
    TimeForm{"date-day-first", R"(%a +%d %b %C ?%z %Y)"},
    TimeForm{"javascript", R"(\[?%a,? %b +%d %Y %C(?: ?%z)?)"},
    TimeForm{"weekday-syslog", R"(%a %b +%d %T%f(?: ?%z)?(?! ?\d{4}\b))"},
    TimeForm{"year-syslog", R"(%Y %b +%d %C(?: ?%z)?)"},
    TimeForm{"month-slash", R"(%b/%d/%Y %C(?: ?%z)?)"},
    TimeForm{"day-month", R"(\[?%d %b %C(?: ?%z)?(?:%L)?)"},
    TimeForm{"day-month-year", R"(\[?%d%b%Y %C(?: ?%z)?(?:%L)?)"},
    TimeForm{"rfc2822", R"(\[?(?:%a, )?%d %b (?:%Y|%y),? %C(?: ?%z)?)"},
    TimeForm{"weekday-iso", R"(%a %i)"},
    TimeForm{"word-first", R"([A-Za-z][\w.-]{1,40}:? %i)"},
    TimeForm{"cups", R"((?<level>[ACEWNIDd]) \[%d/%b/%Y:%C ?%z\])"},
    TimeForm{"asterisk", R"(\[%b +%d %T%f\] (?<level>[A-Z]+)\[\d+\])"},
    TimeForm{"vpc-flow", R"(\d+ \S+ eni-\w+ (?:\S+ ){7}%s \d+ \S+ [A-Z]+)"},
    TimeForm{"clf", R"([^\[]{0,256}\[%d/%b/%Y[: ]%C(?: ?%z)?\])"},
    TimeForm{"dash-month",
             R"(\[?%d-%b-(?:%Y|%y)(?: |::)(?|%C|%H\.%M\.%S(?|\.(?<f>\d+))?%p?)(?: ?%z)?(?:%L)?)"},
    TimeForm{"redis", R"(\d+:[A-Z] %d %b %Y %C (?<level>[.*#-]))"},
    TimeForm{"old-redis", R"(\[\d+\] %d %b %C (?<level>[.*#-]))"},
    TimeForm{"klog", R"((?<level>[IWEF])(?<Y>20\d\d)?(?<m>\d\d)(?<d>\d\d) +%C +\d+ )"},
    TimeForm{"chromium", R"(\[(?:\d+:){0,2}(?<m>\d\d)(?<d>\d\d)/(?<H>\d\d)(?<M>\d\d)(?<S>\d\d))"
                         R"((?:\.(?<f>\d{3,6}))?:(?<level>[A-Z]+)\d*:)"},
    TimeForm{"zabbix", R"(\s*\d+:%Y(?<m>\d\d)(?<d>\d\d):(?<H>\d\d)(?<M>\d\d)%S%f )"},
    TimeForm{"logcat", R"((?<m>\d\d)-(?<d>\d\d) %C +)"
                       R"((?|(?:\w+ +)?\d+ +\d+ (?<level>[VDIWEFA]) |(?<level>[VDIWEFA])/))"},
    TimeForm{"tornado", R"(\[(?<level>[DIWEC]) %y(?<m>\d\d)(?<d>\d\d) %C )"},
    TimeForm{"suricata", R"(%m/%d/%Y-%C +\[\*\*\])"},
    TimeForm{"snort", R"(%m/%d-%C +\[\*\*\])"},
    TimeForm{"audit", R"((?:node=\S+ )?type=\S+ msg=audit\(%s:\d+\))"},
    TimeForm{"hdfs", R"(%y%m%d %H%M%S \d+ (?<level>[A-Z]+) )"},
    TimeForm{"old-mysql", R"(%y%m%d +%T \[(?<level>\w+)\])"},
    TimeForm{"java-util", R"((?:%a,? )?%b %d, %Y,? (?:at )?%C(?: ?%z)?(?:%L)?)"},
    TimeForm{"us", R"((?:(?<level>[A-Z]\w+),)?%m/%d/(?:%Y|%y),? %I:%M:%S%f%p(?: ?%z)?)"},
    TimeForm{"basic-iso", R"(%Y(?:(?<m>\d\d)(?<d>\d\d)|(?<j>\d{3})(?=T)|W%V(?<u>[1-7])(?=T)))"
                          R"([T _-]?(?<H>\d\d)(?<M>\d\d)%S%f%z?)"},
    TimeForm{"basic-date", R"(\[?%Y(?<m>\d\d)(?<d>\d\d)[ -]%C(?: ?%z)?(?:%L)?)"},
    TimeForm{"year-month", R"(\[?%Y-%b-%d[ T]%C(?: ?%z)?(?:%L)?)"},
    TimeForm{"year-dotted", R"(\[?%Y\.(?<m>\d\d)\.%d[ -]%C(?: ?%z)?(?:%L)?)"},
    TimeForm{"dotted", R"(\[?%d\.%m\.%Y,? %C(?: ?%z)?(?:%L)?)"},
    TimeForm{"epoch", R"([\[\("]?(?=\d{9}|\d\.\d+[eE])%s(?:%L)?)"},
    TimeForm{"tai64n", R"(@(?<tai>[0-9a-f]{24})(?![0-9a-f]))"},
    TimeForm{"epoch-member", R"((?i:time|ts|timestamp|rt|t|date)=["']?(?=\d{9})%s(?:%L)?)"},
    // Which of the numbers is the day only many lines show.
    TimeForm{"month-first", R"(%N%m(?<sep>[/-])%d\k<sep>(?:%Y|%y)%Q)", false, true},
    TimeForm{"day-first", R"(%N%d(?<sep>[/.-])%m\k<sep>(?:%Y|%y)%Q)", false, true},
    TimeForm{"year-first", R"(%N%y(?<sep>[/.-])%m\k<sep>%d%Q)", false, true},
};

}  // namespace

std::span<TimeForm const> time_forms() noexcept { return known_forms; }

TimeForm const* find_time_form(std::string_view name) noexcept {
  auto const* const found = std::ranges::find(known_forms, name, &TimeForm::name);
  return found == known_forms.end() ? nullptr : &*found;
}

}  // namespace stele::cli
