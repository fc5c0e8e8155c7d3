#include "modules/identity/common_passwords.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace mainstay::identity {
namespace {

// Sorted by byte, lower case. From what leaked password lists agree on, as far as it passes the minimum length.
// clang-format off
constexpr auto kCommon = std::to_array<std::string_view>({
    "00000000", "000000000", "0000000000", "0123456789", "10101010", "102030405060", "11111111", "111111111",
    "1111111111", "11223344", "1122334455", "12121212", "123123123", "123321123", "12341234", "12344321", "123456123",
    "12345678", "123456789", "1234567890", "1234567891", "12345678910", "123456789a", "123456789q", "12345678a",
    "12345679", "123456aa", "123456ab", "123456abc", "123456qwe", "12345abc", "12345qwert", "1234abcd", "1234qwer",
    "123654789", "123abc123", "123qwe123", "123qweasd", "12qwaszx", "147258369", "147852369", "159753159", "19841984",
    "1a2b3c4d", "1q2w3e4r", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx", "1qaz2wsx3edc", "1qazxsw2", "20002000",
    "22222222", "31415926", "321321321", "33333333", "44444444", "55555555", "66666666", "741852963", "77777777",
    "789456123", "87654321", "88888888", "888888888", "963852741", "987654321", "9876543210", "99999999", "999999999",
    "a12345678", "a123456789", "a1b2c3d4", "a1b2c3d4e5", "aa123456", "aa12345678", "aaaaaaaa", "aaaaaaaaa",
    "abc12345", "abc123456", "abc123abc", "abcd1234", "abcdefg1", "abcdefgh", "abcdefghi", "access14", "admin123",
    "admin1234", "admin12345", "admin123456", "admin2024", "admin2025", "admin2026", "admin@123", "adminadmin",
    "administrator", "alejandra", "alejandro", "alexander", "alexander1", "alexandra", "amanda123", "andrew123",
    "angel123", "angelina", "angels123", "anthony1", "aragorn1", "arsenal1", "asd123456", "asdasd123", "asdasdasd",
    "asdf1234", "asdfasdf", "asdfghjk", "asdfghjkl", "asdfghjkl1", "ashley123", "assassin", "australia", "autumn2024",
    "autumn2025", "autumn2026", "azerty123", "azertyui", "azertyuiop", "babyboy1", "babygirl", "babygirl1",
    "banana123", "barcelona", "barcelona1", "baseball", "baseball1", "basketball", "batman123", "bayern123",
    "beautiful", "beautiful1", "benjamin", "benjamin1", "bigdaddy", "blackberry", "blackcat", "blackjack", "blessed1",
    "blessing", "blink182", "blueberry", "borussia", "brandon1", "broncos1", "brooklyn", "buttercup", "butterfly",
    "butterfly1", "california", "carolina", "carolina1", "catherine", "changeit", "changeme", "changeme1",
    "changeme123", "charlie1", "charlie123", "cheese123", "chelsea1", "chelsea123", "cherry123", "chocolate",
    "chocolate1", "christian", "christine", "christopher", "cocacola", "cocacola1", "computer", "computer1",
    "computer123", "cookie123", "corvette", "cowboys1", "creative", "crystal1", "daniel123", "danielle", "darkness",
    "david123", "december", "default1", "default123", "demo1234", "deutschland", "diamond1", "diamonds", "dolphin1",
    "dolphins", "dortmund", "dragon12", "dragon123", "drummer1", "ducati123", "eagles123", "elephant", "elizabeth",
    "elizabeth1", "eminem123", "explorer", "facebook", "facebook1", "family123", "february", "fernanda", "fernando",
    "ferrari1", "ficken123", "florida1", "football", "football1", "football12", "forever1", "forever21", "fortnite",
    "francisco", "freedom1", "friday123", "friends1", "friendship", "gabriel1", "gandalf1", "geheim123", "godisgood",
    "goodbye1", "goodluck", "google123", "gorgeous", "guest123", "guestguest", "guillermo", "guitar123", "hallo123",
    "hallo1234", "hallohallo", "handsome", "hannah123", "harley123", "harrypotter", "heaven123", "hello123",
    "hello1234", "hello12345", "hellohello", "helloworld", "hockey123", "hogwarts", "hunter12", "hunter123",
    "ilovegod", "iloveme1", "iloveu123", "iloveyou", "iloveyou!", "iloveyou1", "iloveyou123", "iloveyou2", "internet",
    "internet1", "isabella", "isabelle", "january1", "jasmine1", "jennifer", "jennifer1", "jessica1", "jesus123",
    "jesuschrist", "jonathan", "jordan123", "jordan23", "joshua123", "juventus", "killer123", "lakers24", "letmein1",
    "letmein123", "letmeinnow", "lightning", "linkedin", "linkedin1", "liverpool", "liverpool1", "login123",
    "london123", "lovelove", "loveme123", "loveyou1", "madison1", "mainstay", "mainstay1", "mainstay123",
    "manchester", "manutd123", "maria123", "marie123", "martin123", "master12", "master123", "matrix123", "matthew1",
    "maverick", "mercedes", "metallica", "metallica1", "michael1", "michael123", "michelle", "michelle1", "midnight",
    "minecraft", "minecraft1", "monday123", "monica123", "monkey12", "monkey123", "motorola", "musicman", "mustang1",
    "mypassword", "mypassword1", "naruto123", "natalie1", "newpassword", "newyork1", "nicholas", "nicole123",
    "nintendo", "nirvana1", "nothing1", "november", "october1", "orange123", "p@ssw0rd", "p@ssword", "pa$$w0rd",
    "pa$$word", "packers1", "panthers", "passpass", "passw0rd", "password", "password!", "password01", "password1",
    "password1!", "password11", "password12", "password123", "password123!", "password1234", "password2",
    "password2020", "password2021", "password2022", "password2023", "password2024", "password2025", "password2026",
    "password99", "passwort", "passwort1", "passwort123", "patricia", "peaches1", "pepsi123", "phoenix1", "pineapple",
    "playstation", "pokemon1", "pokemon123", "porsche1", "potter123", "princess", "princess1", "princess12",
    "princess123", "q123456789", "q1w2e3r4", "q1w2e3r4t5", "q1w2e3r4t5y6", "qazwsx123", "qazwsxedc", "qwe123qwe",
    "qweasd123", "qweasdzxc", "qweqweqwe", "qwer1234", "qwerty1!", "qwerty11", "qwerty12", "qwerty123", "qwerty1234",
    "qwerty12345", "qwerty123456", "qwertyui", "qwertyuiop", "qwertz123", "qwertzui", "qwertzuiop", "rainbow1",
    "rainbows", "ranger123", "realmadrid", "redsox123", "robert123", "roblox123", "rockstar", "rockstar1", "rockyou1",
    "root1234", "rootroot", "samantha", "samantha1", "samsung1", "samsung123", "schalke04", "schatz123", "scooter1",
    "sebastian", "secret12", "secret123", "secretsecret", "september", "server123", "shadow12", "shadow123",
    "slipknot", "slipknot1", "snickers", "snoopy123", "snowball", "snowflake", "soccer12", "soccer123", "softball1",
    "something", "sommer123", "sophie123", "spiderman", "spiderman1", "spring2024", "spring2025", "spring2026",
    "stargate", "startrek", "startrek1", "starwars", "starwars1", "steelers", "stephanie", "strawberry", "summer12",
    "summer123", "summer2024", "summer2025", "summer2026", "sunday123", "sunflower", "sunflowers", "sunshine",
    "sunshine1", "superman", "superman1", "superman123", "sweetheart", "sweetie1", "sweetpea", "swordfish",
    "temp1234", "temppass", "terminator", "test1234", "test12345", "test123456", "tester123", "testing1",
    "testing123", "testtest", "testtest1", "thepassword", "thomas123", "thunder1", "tigger12", "tinkerbell",
    "toor1234", "topsecret", "trustno1", "unicorn1", "user1234", "username", "valentina", "valentine", "vanessa1",
    "veronica", "victoria", "victoria1", "warrior1", "wasdwasd", "welcome01", "welcome1", "welcome1!", "welcome12",
    "welcome123", "welcome2024", "welcome2025", "welcome2026", "whatever", "whatever1", "winter12", "winter123",
    "winter2024", "winter2025", "winter2026", "xxxxxxxx", "yamaha123", "yankees1", "z123456789", "zaq12wsx",
    "zaq1zaq1", "zxcvbnm,", "zxcvbnm1", "zxcvbnm123", "zxczxczxc", "zzzzzzzz",
});
// clang-format on
static_assert(std::ranges::is_sorted(kCommon));

}  // namespace

bool is_common_password(std::string_view password) {
  return std::ranges::binary_search(kCommon, std::string_view{to_lower_ascii(password)});
}

}  // namespace mainstay::identity
